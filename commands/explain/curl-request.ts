// Builds the request that a curl command would send, as far as matching needs it.
import { readFileSync } from "node:fs";
import { FlowtapeError } from "../../src/errors.ts";
import { formatBasic } from "../../src/flow/basic-credentials.ts";
import { toByteString } from "../../src/flow/bytes.ts";
import { Headers } from "../../src/flow/headers.ts";
import { Request } from "../../src/flow/message.ts";
import { formatAuthority, parseUrl } from "../../src/flow/url.ts";
import { type CurlField, curlForm } from "./curl-form.ts";

/** The arguments parsed so far. */
interface CurlArguments {
	url: string | null;
	method: string | null;
	headers: [name: string, value: string][];
	data: Buffer[];
	/** The media type of the data; null: there is none. */
	type: string | null;
	forms: CurlField[];
	isGet: boolean;
	isHead: boolean;
	isUpload: boolean;
}

type OptionHandler = (curl: CurlArguments, value: string) => void;

const addData =
	(read: (value: string) => Buffer, type = "application/x-www-form-urlencoded"): OptionHandler =>
	(curl, value) => {
		curl.data.push(read(value));
		curl.type ??= type;
	};

/** Reads `@file` and removes line breaks from it, as curl does for --data. */
const dataOf = (value: string) =>
	value.startsWith("@")
		? Buffer.from(
				readBody(value.slice(1))
					.latin1Slice()
					.replace(/[\r\n\0]/g, ""),
				"latin1",
			)
		: Buffer.from(value);
const binaryOf = (value: string) => (value.startsWith("@") ? readBody(value.slice(1)) : Buffer.from(value));
const encodedOf = (value: string) => {
	const [, name = "", text = value] = /^([^=]*)=([\s\S]*)$/.exec(value) ?? [];
	return Buffer.from(`${name === "" ? "" : `${name}=`}${encodeURIComponent(text).replaceAll("%20", "+")}`);
};

const addHeader =
	(name: string): OptionHandler =>
	(curl, value) =>
		curl.headers.push([name, value]);

const options: Readonly<Record<string, OptionHandler>> = {
	"--url": (curl, value) => {
		curl.url = value;
	},
	"--request": (curl, value) => {
		curl.method = value;
	},
	"--header": (curl, value) => {
		const colon = value.indexOf(":");
		if (colon > 0) curl.headers.push([value.slice(0, colon), value.slice(colon + 1).trim()]);
	},
	"--data": addData(dataOf),
	"--data-ascii": addData(dataOf),
	"--data-raw": addData((value) => Buffer.from(value)),
	"--data-binary": addData(binaryOf),
	"--data-urlencode": addData(encodedOf),
	"--upload-file": (curl, value) => {
		curl.data.push(readBody(value));
		curl.isUpload = true;
	},
	"--json": addData(binaryOf, "application/json"),
	"--form": (curl, text) => {
		curl.forms.push({ text, isPlain: false });
	},
	"--form-string": (curl, text) => {
		curl.forms.push({ text, isPlain: true });
	},
	"--cookie": addHeader("Cookie"),
	"--user-agent": addHeader("User-Agent"),
	"--referer": addHeader("Referer"),
	"--range": (curl, value) => {
		curl.headers.push(["Range", `bytes=${value}`]);
	},
	"--oauth2-bearer": (curl, value) => {
		curl.headers.push(["Authorization", `Bearer ${value}`]);
	},
	"--user": (curl, value) => {
		curl.headers.push(["Authorization", formatBasic(value)]);
	},
};

const switches: Readonly<Record<string, (curl: CurlArguments) => void>> = {
	"--get": (curl) => {
		curl.isGet = true;
	},
	"--head": (curl) => {
		curl.isHead = true;
	},
	"--compressed": (curl) => {
		curl.headers.push(["Accept-Encoding", "deflate, gzip, br, zstd"]);
	},
};

/** Options that do not change the request, with a value and without. */
const ignoredWithValue = new Set(
	"--output --proxy --max-time --connect-timeout --retry --cacert --cert --key --write-out --resolve --proxy-user --limit-rate --cookie-jar --interface --max-redirs --retry-delay --retry-max-time --output-dir --pass --cert-type --key-type --capath --ciphers --noproxy --dump-header --stderr --trace --trace-ascii --speed-limit --speed-time --connect-to --local-port --keepalive-time --max-filesize --socks5 --socks5-hostname --tls-max".split(
		" ",
	),
);
const ignoredSwitches = new Set(
	"--silent --show-error --location --insecure --include --verbose --fail --globoff --http1.0 --http1.1 --http2 --http2-prior-knowledge --no-buffer --ipv4 --ipv6 --remote-name --no-keepalive --tcp-nodelay --path-as-is --basic --progress-bar --no-progress-meter --fail-with-body --fail-early --create-dirs --remote-header-name --remote-time --retry-connrefused --retry-all-errors --tlsv1.2 --tlsv1.3 --location-trusted --post301 --post302 --post303 --styled-output --parallel".split(
		" ",
	),
);
const short: Readonly<Record<string, string>> = {
	X: "--request",
	H: "--header",
	d: "--data",
	F: "--form",
	b: "--cookie",
	A: "--user-agent",
	e: "--referer",
	u: "--user",
	G: "--get",
	I: "--head",
	T: "--upload-file",
	o: "--output",
	x: "--proxy",
	m: "--max-time",
	w: "--write-out",
	c: "--cookie-jar",
	E: "--cert",
	D: "--dump-header",
	U: "--proxy-user",
	r: "--range",
	s: "--silent",
	S: "--show-error",
	L: "--location",
	k: "--insecure",
	i: "--include",
	v: "--verbose",
	f: "--fail",
	g: "--globoff",
	N: "--no-buffer",
	O: "--remote-name",
	"4": "--ipv4",
	"6": "--ipv6",
	"#": "--progress-bar",
	J: "--remote-header-name",
	R: "--remote-time",
	Z: "--parallel",
};

/**
 * @param words the command line, without `curl`
 * @throws FlowtapeError FT_USAGE
 */
export function curlRequest(words: readonly string[]): Request {
	const curl: CurlArguments = {
		url: null,
		method: null,
		headers: [],
		data: [],
		type: null,
		forms: [],
		isGet: false,
		isHead: false,
		isUpload: false,
	};
	for (let i = 0; i < words.length; ) i = parseWord(curl, words, i);
	if (curl.url === null) throw new FlowtapeError("FT_USAGE", "--request: the curl command has no URL");
	return requestOf(curl, curl.url);
}

/** Parses one word and its value; returns the index of the next word. */
function parseWord(curl: CurlArguments, words: readonly string[], at: number): number {
	const word = words[at] as string;
	if (!word.startsWith("-") || word === "-") {
		curl.url = word;
		return at + 1;
	}
	const isLong = word.startsWith("--");
	const name = isLong ? word : short[word[1] as string];
	if (name === undefined) throw unknownOption(word);
	switches[name]?.(curl);
	if (name in switches || ignoredSwitches.has(name)) {
		// several switches in one word, such as -sSL
		if (isLong || word.length === 2) return at + 1;
		return parseWord(curl, [...words.slice(0, at), `-${word.slice(2)}`, ...words.slice(at + 1)], at);
	}
	const isAttached = !isLong && word.length > 2;
	const value = isAttached ? word.slice(2) : words[at + 1];
	if (value === undefined)
		throw new FlowtapeError("FT_USAGE", `--request: expected a value for ${word} of the curl command`);
	const take = options[name];
	if (take !== undefined) take(curl, value);
	else if (!ignoredWithValue.has(name)) throw unknownOption(word);
	return at + (isAttached ? 1 : 2);
}

function unknownOption(word: string): FlowtapeError {
	return new FlowtapeError(
		"FT_USAGE",
		`--request: curl's option ${word} is not supported; save the request to a file and pass the file instead`,
	);
}

function requestOf(
	{ method, headers, data, type, forms, isGet, isHead, isUpload }: CurlArguments,
	address: string,
): Request {
	const { scheme, host, port, path } = parseUrl(
		/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`,
	);
	const fields = Headers.of(...headers);
	if (!fields.has("host")) fields.insert(0, "Host", formatAuthority(host, port, scheme));
	const joined = Buffer.concat(
		data.flatMap((part, i) => (i === 0 || type === "application/json" ? [part] : [Buffer.from("&"), part])),
	);
	const query = isGet && joined.length > 0 ? `${path.includes("?") ? "&" : "?"}${joined.toString()}` : "";
	let body: Buffer = isGet ? Buffer.alloc(0) : joined;
	if (type !== null && !isGet && !fields.has("content-type")) fields.set("Content-Type", type);
	if (forms.length > 0) {
		body = curlForm(forms, "flowtape", readBody);
		fields.set("Content-Type", "multipart/form-data; boundary=flowtape");
	}
	const implied = isHead ? "HEAD" : isUpload ? "PUT" : (type !== null && !isGet) || forms.length > 0 ? "POST" : "GET";
	return new Request({
		method: toByteString(method ?? implied),
		scheme,
		host,
		port,
		path: toByteString(path + query),
		headers: fields,
		body,
	});
}

function readBody(path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new FlowtapeError("FT_NOT_FOUND", `${path}: this file of the curl command cannot be read`, {
			file: path,
			cause,
		});
	}
}
