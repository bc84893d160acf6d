// `exportFlow`: exports a flow for other tools.
import type { HttpFlow } from "../src/flow/flow.ts";
import type { ExportFormat } from "./exporters.ts";
import { exporters } from "./late-modules.ts";

/**
 * Exports the request of a flow as a shell command (`curl`, `httpie`), as a call of `fetch`, as Python code for
 * requests (`python`), as a command of PowerShell 7 (`powershell`) or as a script for k6 (`k6`). The formats `raw`,
 * `raw-request` and `raw-response` export its request and response, or one of them, as HTTP/1.1 messages. In their
 * text, each character is one byte: `Buffer.from(text, "latin1")`.
 * @param onLoss called with a message for each part of the request that the other tool cannot send, and for each
 * incomplete message; default: ignored
 * @throws FlowtapeError FT_LOSS if the flow cannot be exported, for example because a body was not recorded
 */
export function exportFlow(flow: HttpFlow, as: ExportFormat, onLoss: (message: string) => void = () => {}): string {
	return exporters().exportText(flow, as, onLoss);
}
