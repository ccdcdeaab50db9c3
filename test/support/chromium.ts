/**
 * A Chromium that is installed, and a server for its pages. Nothing is downloaded: where there is none, tests
 * are skipped. SHAPECAST_CHROMIUM names one that is not found by itself.
 */
import { accessSync, constants } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

export function findChromium(): string | undefined {
  const named = process.env["SHAPECAST_CHROMIUM"];
  const folders = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean)];
  const places = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return [...(named ? [named] : []), ...places].find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Answer {
  readonly type: "html" | "javascript" | "wasm" | "octet-stream" | "plain";
  readonly body: string | Uint8Array;
}

/** Answers GET with what `find` gives for a path, and POST with what `receive` makes of the text. */
export class Site {
  readonly #server: Server;

  constructor(
    policyOf: (path: string) => string,
    find: (path: string) => Answer | undefined,
    receive: (text: string) => string,
  ) {
    this.#server = createServer(async (request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      response.setHeader("Content-Security-Policy", policyOf(path));
      if (request.method === "POST") {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk);
        response.end(receive(Buffer.concat(chunks).toString()));
        return;
      }
      const answer = find(path);
      if (!answer) response.writeHead(404).end();
      else {
        const kind = ["html", "javascript", "plain"].includes(answer.type) ? "text" : "application";
        response.setHeader("Content-Type", `${kind}/${answer.type}`);
        response.end(answer.body);
      }
    });
  }

  /** Resolves to its address, on a port that was free. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
