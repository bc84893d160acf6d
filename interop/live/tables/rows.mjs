// The words in which scenarios are written.

/** Files of a mapped folder, one for each kind of name. */
export const MAPPED_FILES = [
	"one.txt",
	"style.css",
	"script.js",
	"page.html",
	"data.json",
	"picture.svg",
	"picture.PNG",
	"font.woff2",
	"noextension",
	"archive.tar.gz",
	"a.ico",
	"a.md",
	"a.pdf",
];

/** A request: `ask("POST", "/x", [["A", "b"]], "body")`. The Host field and the length are added where they are missing. */
export function ask(method, path, fields = [], body = null, more = {}) {
	return { method, path, fields, body, ...more };
}

/** A request byte for byte; `{to}` stands for what its target begins with, `{host}` for its host and port. */
export function bytes(text, method = "GET") {
	return { bytes: text, method };
}

/** A scenario: requests one after the other on a connection, and how the origin answers them. */
export function row(name, asks, answers = [], more = {}) {
	return { name, asks: [asks].flat(), answers: [answers].flat(), ...more };
}

/** A scenario in which mitmproxy's way is not ours: `own` throws where flowtape's side is not as it has to be. */
export function differs(why, own, scenario) {
	return { ...scenario, differs: { why, own } };
}
