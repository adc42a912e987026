/** Studies sent on to other archives: `server/transfer_api.py`. All calls may throw FilmProblem. */

import { askAs } from "./dicomweb";

export type TransferState = "waiting" | "sending" | "done" | "failed" | "cancelled";

export interface Transfer {
  readonly id: number;
  readonly node: string;
  readonly state: TransferState;
  readonly total: number;
  readonly sent: number;
  readonly failed: number;
  readonly problem: string;
  readonly asked_ms: number;
}

export function underWay({ state }: Transfer): boolean {
  return state === "waiting" || state === "sending";
}

export class Transfers {
  constructor(private readonly token: string) {}

  async nodes(): Promise<readonly string[]> {
    return (await askAs<{ nodes: string[] }>(this.token, "/api/dicom/nodes")).nodes;
  }

  async of(study: string): Promise<readonly Transfer[]> {
    const url = `/api/dicom/transfers?study=${study}`;
    return (await askAs<{ transfers: Transfer[] }>(this.token, url)).transfers;
  }

  ask(study: string, node: string): Promise<Transfer> {
    return askAs(this.token, "/api/dicom/transfers", "POST", { study, node });
  }

  cancel({ id }: Transfer): Promise<Transfer> {
    return askAs(this.token, `/api/dicom/transfers/${id}`, "DELETE");
  }
}
