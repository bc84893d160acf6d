// Runs without PowerShell: a strict grammar parses every command, and strings are read by PowerShell's rules.
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { powershellCommand } from "../../../src/export/powershell.ts";
import { toByteString } from "../../../src/flow/bytes.ts";
import { Headers } from "../../../src/flow/headers.ts";
import type { Request } from "../../../src/flow/message.ts";

/** A single-quoted string: `''` is a quote. Only printable ASCII, because PowerShell takes ‘’‚‛ for quotes too. */
const STRING = "'(?:[ -&(-~]|'')*'";
const BYTES = String.raw`\((?:\[Text\.Encoding\]::ASCII\.GetBytes\(${STRING}\)|\[Convert\]::FromBase64String\('[A-Za-z0-9+/=]*'\))\)`;
const VALUE = String.raw`(?:${STRING}|\[Text\.Encoding\]::Latin1\.GetString\(${BYTES}\))`;
const COMMAND = new RegExp(
	`^Invoke-WebRequest -Uri (${STRING}) \`\n  -CustomMethod (${STRING}) \`\n` +
		`(?:  -Headers @\\{\n((?:  ${STRING} = ${VALUE}\n)*)\\} \`\n)?` +
		`(?:  -Body (${BYTES}) \`\n)?` +
		"  -SkipHeaderValidation -SkipHttpErrorCheck -MaximumRedirection 0\n$",
);

const unquoted = (text: string) => text.slice(1, -1).replaceAll("''", "'");

function bytesOf(expression: string): Buffer {
	const inside = /'.*'/s.exec(expression)?.[0] ?? "''";
	return expression.startsWith("([Convert]") ? Buffer.from(unquoted(inside), "base64") : Buffer.from(unquoted(inside));
}

/** Reads a command back. */
function read(request: Request) {
	const match = COMMAND.exec(powershellCommand(request));
	if (match === null) throw new Error(powershellCommand(request));
	const [, url = "", method = "", lines = "", body] = match;
	const headers = [...lines.matchAll(new RegExp(`^  (${STRING}) = (.*)$`, "gm"))].map(([, name = "", value = ""]) => [
		unquoted(name),
		value.startsWith("'") ? unquoted(value) : bytesOf(value.slice(value.indexOf("GetString(") + 10, -1)).latin1Slice(),
	]);
	return {
		url: unquoted(url),
		method: unquoted(method),
		headers,
		body: body === undefined ? "" : bytesOf(body).latin1Slice(),
	};
}

t.test("every string is unchanged when parsed", async (t) => {
	const pieces = [
		"'",
		"''",
		'"',
		"`",
		"$(id)",
		"$x",
		"\\",
		"@{",
		"}",
		"#",
		";",
		"|",
		"-x",
		"\u2019".normalize(),
		"\x80\xff",
		"\t",
		"\x01",
		"é",
	];
	for (const piece of pieces) {
		const text = toByteString(`a${piece}b`);
		const request = httpRequest({
			method: "X'TOKEN",
			path: "/it's?q='$(id)`",
			headers: new Headers(["Host", "example.com", "X-Value", text, "X'Name", "v"]),
			body: Buffer.from(`${text}\n`, "latin1"),
		});
		t.same(
			read(request),
			{
				url: "http://example.com/it's?q='$(id)`",
				method: "X'TOKEN",
				headers: [
					["X-Value", text],
					["X'Name", "v"],
				],
				body: `${text}\n`,
			},
			piece,
		);
	}
	t.match(read(httpRequest({ headers: [["Host", "other.test"]] })), { headers: [["Host", "other.test"]], body: "" });
	t.match(read(httpRequest({ body: "it's" })), { headers: [], body: "it's" });
	t.match(read(httpRequest({ path: "/caf\xc3\xa9" })), { url: "http://example.com/caf%C3%A9" });
});

t.test("requests that Invoke-WebRequest cannot send are errors", async (t) => {
	for (const path of ["/a/../b", "*", "/a\\b"])
		t.throws(() => powershellCommand(httpRequest({ path })), { code: "FT_LOSS" }, path);
	t.throws(() => powershellCommand(httpRequest({ host: "münchen.example" })), { code: "FT_LOSS" });
	t.throws(() => powershellCommand(httpRequest({ method: "a b" })), { code: "FT_LOSS" });
});
