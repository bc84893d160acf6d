// The formats for other tools: their names, bytes and frames.
import t from "tap";
import { exportBytes, exportFormats, exportFrames, exportText } from "../../api/exporters.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { piecesOf } from "../../src/export/pieces.ts";

t.test("each format exports a flow as bytes and as text, with the frame of a document", async (t) => {
	const flow = httpFlow({ request: { path: "/a" }, response: { body: "ok" } });
	t.ok(exportFormats.includes("curl") && exportFormats.includes("k6"));
	for (const format of exportFormats) {
		const bytes = Buffer.concat([...piecesOf(exportBytes(flow, format, () => {}))]);
		t.ok(bytes.length > 0, format);
		const text = exportText(flow, format, () => {});
		const frame = exportFrames[format];
		t.equal(text.startsWith(frame?.begin ?? ""), true, format);
		t.ok(text.includes(bytes.toString(format.startsWith("raw") ? "latin1" : "utf8")), format);
	}
	t.match(
		exportText(flow, "k6", () => {}),
		/^import http from "k6\/http";[\s\S]*\}\s*$/,
	);
});
