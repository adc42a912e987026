import { Case } from "../../control/case";
import { sendAs } from "../../control/keep";
import type { Call } from "../../state/call";

const cases = new WeakMap<Call, Case>();

/** What was captured in this call. A page with something that is not kept yet asks before it goes. */
export function caseOf(call: Call): Case {
  const known = cases.get(call);
  if (known) return known;
  const made = new Case(sendAs(() => call.token));
  cases.set(call, made);
  const look = (): void => made.study.set(call.film.view.value?.study ?? null);
  call.film.view.subscribe(look);
  look();
  addEventListener("beforeunload", (event) => {
    if (made.unkept > 0) event.preventDefault();
  });
  return made;
}
