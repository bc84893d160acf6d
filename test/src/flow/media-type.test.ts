// Media types by file name extension.
import t from "tap";
import { mediaTypeOf } from "../../../src/flow/media-type.ts";

t.test("by the extension, in any case", async (t) => {
	const types: Record<string, string | null> = {
		"index.html": "text/html",
		"A.HTML": "text/html",
		"dir.d/app.min.js": "text/javascript",
		"x.mjs": "text/javascript",
		"data.json": "application/json",
		"photo.webp": "image/webp",
		"a.svg": "image/svg+xml",
		"file.unknown": null,
		"dir.json/file": null,
		".png": null,
		"dir/.png": null,
		png: null,
		"": null,
		"a.": null,
		"constructor.constructor": null,
	};
	for (const [name, type] of Object.entries(types)) t.equal(mediaTypeOf(name), type, name);
});

t.test("compressed files have the type of their content", async (t) => {
	for (const [name, type] of [
		["a.js.br", "text/javascript"],
		["a.tar.gz", "application/x-tar"],
		["a.TGZ", "application/x-tar"],
		["a.svgz", "image/svg+xml"],
		["a.gz", null],
	] as const)
		t.equal(mediaTypeOf(name), type, name);
});
