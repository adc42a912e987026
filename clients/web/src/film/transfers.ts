/** Studies sent on to other archives: `server/transfer_api.py`. All calls may throw FilmProblem. */

import { ask } from "./dicomweb";

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
    return (await this.#json<{ nodes: string[] }>("/api/dicom/nodes")).nodes;
  }

  async of(study: string): Promise<readonly Transfer[]> {
    const url = `/api/dicom/transfers?study=${study}`;
    return (await this.#json<{ transfers: Transfer[] }>(url)).transfers;
  }

  ask(study: string, node: string): Promise<Transfer> {
    return this.#json("/api/dicom/transfers", "POST", { study, node });
  }

  cancel({ id }: Transfer): Promise<Transfer> {
    return this.#json(`/api/dicom/transfers/${id}`, "DELETE");
  }

  async #json<T>(url: string, method = "GET", body?: unknown): Promise<T> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.token}` };
    const request: RequestInit = { method, headers };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    return (await (await ask(url, request)).json()) as T;
  }
}
