// A flow as a command, as code or as the bytes of its messages, for other tools.
import { curlCommand } from "../src/export/curl.ts";
import { fetchCall } from "../src/export/fetch.ts";
import { httpieCommand } from "../src/export/httpie.ts";
import { rawFlow } from "../src/export/raw.ts";
import { toText } from "../src/flow/bytes.ts";
import type { HttpFlow } from "../src/flow/flow.ts";

export type ExportFormat = "curl" | "fetch" | "httpie" | "raw";

const exporters: Readonly<Record<ExportFormat, (flow: HttpFlow, note: (message: string) => void) => string>> = {
	curl: ({ request }, note) => toText(curlCommand(request, note)),
	fetch: ({ request }, note) => fetchCall(request, note),
	httpie: ({ request }, note) => toText(httpieCommand(request, note)),
	raw: (flow) => rawFlow(flow).latin1Slice(),
};

/**
 * The request of a flow as a command for a shell (`curl`, `httpie`) or a call of `fetch`; or request and response as HTTP/1.1 has them on the wire
 * (`raw`), where each character is a byte: `Buffer.from(text, "latin1")`.
 * @param onLoss told what of the request is left out, because the other tool cannot send it
 * @throws FlowtapeError FT_LOSS when nothing can be made of the flow
 */
export function exportFlow(flow: HttpFlow, as: ExportFormat, onLoss: (message: string) => void = () => {}): string {
	return exporters[as](flow, onLoss);
}
