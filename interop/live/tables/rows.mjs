// Functions to write scenarios.

/** Files of a mapped folder, one for each kind of file name. */
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

/**
 * A request: `ask("POST", "/x", [["A", "b"]], "body")`. The Host field and the length are added if they are missing.
 */
export function ask(method, path, fields = [], body = null, more = {}) {
	return { method, path, fields, body, ...more };
}

/** A request as bytes. `{to}` stands for the beginning of its target, `{host}` for its host and port. */
export function bytes(text, method = "GET") {
	return { bytes: text, method };
}

/** A scenario: requests on one connection, one after the other, and the answers of the origin. */
export function row(name, asks, answers = [], more = {}) {
	return { name, asks: [asks].flat(), answers: [answers].flat(), ...more };
}

/**
 * A scenario with a deliberate difference from mitmproxy. `own` throws an error if flowtape's side is not as expected.
 */
export function differs(why, own, scenario) {
	return { ...scenario, differs: { why, own } };
}
