// The formats in which flows are exported for other tools: shell commands, code, and raw messages.
import { curlCommand } from "../src/export/curl.ts";
import { fetchCall } from "../src/export/fetch.ts";
import { httpieCommand } from "../src/export/httpie.ts";
import { ofRequest } from "../src/export/incomplete.ts";
import { k6Begin, k6Call, k6End } from "../src/export/k6.ts";
import { type Exported, piecesOf } from "../src/export/pieces.ts";
import { powershellCommand } from "../src/export/powershell.ts";
import { pythonCode } from "../src/export/python.ts";
import { rawFlow, rawRequest, rawResponse } from "../src/export/raw.ts";
import { toText } from "../src/flow/bytes.ts";
import type { HttpFlow } from "../src/flow/flow.ts";

const exporters = {
	curl: ofRequest((request, note) => [Buffer.from(curlCommand(request, note), "latin1")]),
	httpie: ofRequest((request, note) => [Buffer.from(httpieCommand(request, note), "latin1")]),
	fetch: ofRequest((request, note) => [Buffer.from(fetchCall(request, note))]),
	python: ofRequest((request, note) => [Buffer.from(pythonCode(request, note))]),
	powershell: ofRequest((request, note) => [Buffer.from(powershellCommand(request, note))]),
	k6: ofRequest((request, note) => [Buffer.from(k6Call(request, note))]),
	raw: rawFlow,
	"raw-request": rawRequest,
	"raw-response": rawResponse,
} as const satisfies Record<string, (flow: HttpFlow, note: (message: string) => void) => Exported>;

/** A format of `exportFlow`. */
export type ExportFormat = keyof typeof exporters;

/** The names of all export formats. */
export const exportFormats = Object.keys(exporters) as readonly ExportFormat[];

/** The text before and after all flows. */
export interface ExportFrame {
	readonly begin: string;
	end(): string;
}

/** The frames of formats that put all flows into one document. */
export const exportFrames: { readonly [format in ExportFormat]?: ExportFrame } = {
	k6: { begin: k6Begin, end: () => k6End },
};

/** As `exportFlow`, but returns bytes, without the frame. */
export function exportBytes(flow: HttpFlow, as: ExportFormat, onLoss: (message: string) => void): Exported {
	return exporters[as](flow, onLoss);
}

/**
 * As `exportFlow`.
 * @throws FlowtapeError FT_LOSS
 */
export function exportText(flow: HttpFlow, as: ExportFormat, onLoss: (message: string) => void): string {
	let bytes = "";
	for (const piece of piecesOf(exportBytes(flow, as, onLoss))) bytes += piece.latin1Slice();
	const frame = exportFrames[as];
	return as.startsWith("raw") ? bytes : `${frame?.begin ?? ""}${toText(bytes)}${frame?.end() ?? ""}`;
}
