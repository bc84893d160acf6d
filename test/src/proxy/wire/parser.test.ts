// Messages parsed from bytes, however the bytes are cut.
import fc from "fast-check";
import t, { type Test } from "tap";
import { type MessageCase, messageCases, type Reading } from "../../../../fixtures/http-messages.ts";
import { type ParsedMessages, readMessages } from "../../../../fixtures/read-messages.ts";
import { CHUNK_END, chunkHead, lastChunk } from "../../../../src/proxy/wire/chunked.ts";
import {
	type RequestHead,
	type ResponseHead,
	writeRequestHead,
	writeResponseHead,
} from "../../../../src/proxy/wire/head.ts";
import { type MessageHandler, RequestParser, ResponseParser } from "../../../../src/proxy/wire/parser.ts";

const bytesOf = ({ bytes }: MessageCase) => Buffer.from(bytes, "latin1");
const whole = (one: MessageCase, lenient: boolean) => readMessages(one, [bytesOf(one)], { lenient });

function check(t: Test, parsed: ParsedMessages, reading: Reading, name: string): void {
	if (reading instanceof RegExp) {
		t.match(parsed.fault, reading, `${name} is refused`);
		t.equal(parsed.messages.length, 0, `${name}: no whole message before the fault`);
	} else {
		const messages = reading.map((message) => ({ fields: [], body: "", trailers: [], ...message }));
		t.strictSame({ fault: parsed.fault, messages: parsed.messages }, { fault: null, messages }, name);
	}
}

t.test("the strict parser reads each message of the corpus as specified", async (t) => {
	for (const one of messageCases) check(t, whole(one, false), one.strict, one.name);
});

t.test("and the lenient parser", async (t) => {
	for (const one of messageCases) check(t, whole(one, true), one.lenient ?? one.strict, one.name);
});

t.test("all ways to split the bytes give the same result", async (t) => {
	for (const one of messageCases) {
		const bytes = bytesOf(one);
		for (const lenient of [false, true]) {
			// Nothing is read after an error, and the position of the error depends on the chunks.
			const read = (pieces: Iterable<Buffer>) => {
				const { rest, ...parsed } = readMessages(one, pieces, { lenient });
				return JSON.stringify(parsed.fault === null ? { ...parsed, rest } : parsed);
			};
			const want = read([bytes]);
			for (let at = 1; at < bytes.length; at++) {
				const found = read([bytes.subarray(0, at), bytes.subarray(at)]);
				if (found !== want) t.equal(found, want, `${one.name}, cut at ${at}`);
			}
			t.equal(read(Array.from(bytes, (byte) => Buffer.of(byte))), want, `${one.name}, byte by byte`);
		}
	}
});

const token = fc
	.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
	.filter((name) => !/^(content-length|transfer-encoding)$/i.test(name));
const value = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
const fields = fc.array(fc.tuple(token, value), { maxLength: 6 }).map((pairs) => pairs.flat());
const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 4 });
const cuts = fc.array(fc.nat(), { maxLength: 8 });

/** The chunks that cutting a circle of bytes at these places gives. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
	const sorted = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
	return [0, ...sorted].map((from, i) => bytes.subarray(from, sorted[i] ?? bytes.length));
}

t.test("round trip of fields, body and trailers, byte by byte", async () => {
	const property = fc.property(
		fields,
		chunks,
		fields,
		fc.boolean(),
		fc.boolean(),
		cuts,
		(some, parts, trailers, isChunked, isResponse, places) => {
			const body = Buffer.concat(parts).latin1Slice();
			const all = isChunked
				? [...some, "Transfer-Encoding", "chunked"]
				: [...some, "Content-Length", String(body.length)];
			const head = isResponse
				? writeResponseHead("HTTP/1.1", 200, "OK", all)
				: writeRequestHead("PUT", "/x", "HTTP/1.1", all);
			const coded = isChunked
				? parts.map((part) => chunkHead(part.length) + Buffer.from(part).latin1Slice() + CHUNK_END).join("") +
					lastChunk(trailers)
				: body;
			const parsed = readMessages(
				{ side: isResponse ? "response" : "request", bytes: "" },
				cutAt(Buffer.from(head + coded, "latin1"), places),
			);
			const line = isResponse ? "HTTP/1.1 200 OK" : "PUT /x HTTP/1.1";
			const message = { line, fields: all, body, trailers: isChunked ? trailers : [] };
			return JSON.stringify(parsed) === JSON.stringify({ messages: [message], fault: null, isOpen: false, rest: "" });
		},
	);
	fc.assert(property, { seed: 1, numRuns: 2000, interruptAfterTimeLimit: 5000 });
});

t.test("random bytes cause only protocol errors, the same for every way to split them", async () => {
	const bits = [
		"GET / HTTP/1.1\r\n",
		"HTTP/1.1 200 OK\r\n",
		"Content-Length: 3\r\n",
		"Transfer-Encoding: chunked\r\n",
		"\r\n",
		"\n",
		"5\r\nhello\r\n",
		"0\r\n",
		" ",
		":",
		"\0",
		"\r",
		"X: y\r\n",
	];
	const piece = fc.oneof(
		{ weight: 4, arbitrary: fc.constantFrom(...bits) },
		{ weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 6 }) },
	);
	const property = fc.property(
		fc.array(piece, { maxLength: 12 }),
		fc.boolean(),
		fc.boolean(),
		cuts,
		(pieces, isResponse, lenient, places) => {
			const bytes = Buffer.from(pieces.join(""), "latin1");
			const read = (cut: Buffer[]) => {
				const { rest, ...parsed } = readMessages(
					{ side: isResponse ? "response" : "request", bytes: "", closed: true },
					cut,
					{ lenient },
				);
				return JSON.stringify(parsed);
			};
			return read([bytes]) === read(cutAt(bytes, places));
		},
	);
	fc.assert(property, { seed: 2, numRuns: 4000, interruptAfterTimeLimit: 8000 });
});

/** Records its calls, and runs the test's function at each head. */
class Notes implements MessageHandler<RequestHead | ResponseHead> {
	readonly heard: string[] = [];
	atHead: () => void = () => {};
	atEnd: () => void = () => {};

	head(head: RequestHead | ResponseHead): void {
		this.heard.push("target" in head ? head.target : String(head.status));
		this.atHead();
	}

	body(chunk: Buffer): void {
		this.heard.push(chunk.latin1Slice());
	}

	end(): void {
		this.heard.push("end");
		this.atEnd();
	}
}

const request = (target: string, body = "") =>
	Buffer.from(`PUT ${target} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

t.test("a pause delays the next head, not the message that has begun", async (t) => {
	const notes = new Notes();
	const parser = new RequestParser(notes);
	notes.atHead = () => parser.pause();
	parser.feed(Buffer.concat([request("/1", "one"), request("/2", "two").subarray(0, 5)]));
	parser.feed(request("/2", "two").subarray(5));
	t.strictSame(notes.heard, ["/1", "one", "end"]);
	t.equal(parser.waitingBytes, request("/2", "two").length);
	t.equal(parser.idle, false);
	parser.resume();
	t.strictSame(notes.heard.splice(0), ["/1", "one", "end", "/2", "two", "end"]);
	t.equal(parser.waitingBytes, 0);
	t.equal(parser.idle, true);
	parser.feed(request("/3"));
	parser.finish();
	t.strictSame(notes.heard, [], "paused still, and the end waits too");
	parser.resume();
	t.strictSame(notes.heard, ["/3", "end"]);
});

t.test("a handler may call feed, resume and detach", async (t) => {
	const notes = new Notes();
	const parser = new RequestParser(notes);
	notes.atHead = () => {
		notes.atHead = () => {};
		parser.feed(request("/2"));
		parser.pause();
	};
	notes.atEnd = () => parser.resume();
	parser.feed(request("/1"));
	t.strictSame(notes.heard.splice(0), ["/1", "end", "/2", "end"]);

	notes.atHead = () => t.equal(parser.detach().latin1Slice(), "abcrest");
	notes.atEnd = () => t.fail("nothing is reported after a detach");
	parser.feed(Buffer.concat([request("/3", "abc"), Buffer.from("rest")]));
	t.strictSame(notes.heard, ["/3"]);
	t.throws(() => parser.feed(Buffer.from("x")), { code: "FT_PROTOCOL", message: /no longer read as HTTP/ });
});

t.test("after an error, every call throws the same error", async (t) => {
	const parser = new RequestParser(new Notes());
	t.throws(() => parser.feed(Buffer.from("\0")), { code: "FT_PROTOCOL" });
	for (const call of [() => parser.feed(request("/")), () => parser.resume(), () => parser.finish()])
		t.throws(call, { message: /expected a method/ });
});

t.test("an error of a handler is rethrown, then and by every later call", async (t) => {
	const notes = new Notes();
	const parser = new RequestParser(notes);
	notes.atHead = () => {
		throw new Error("mine");
	};
	t.throws(() => parser.feed(request("/")), { message: "mine" });
	t.throws(() => parser.feed(request("/")), { message: "mine" });
});

t.test("bytes after a CONNECT wait, for a tunnel or as a request", async (t) => {
	const connect = Buffer.from("CONNECT a:1 HTTP/1.1\r\n\r\n");
	const notes = new Notes();
	const parser = new RequestParser(notes);
	parser.feed(Buffer.concat([connect, request("/")]));
	t.strictSame(notes.heard, ["a:1", "end"]);
	parser.resume();
	t.strictSame(notes.heard, ["a:1", "end", "/", "end"]);
	parser.feed(Buffer.concat([connect, Buffer.from("\x16\x03")]));
	parser.feed(Buffer.from("\x01"));
	t.equal(parser.detach().latin1Slice(), "\x16\x03\x01");
});

t.test("bytes without a request are not a response", async (t) => {
	const parser = new ResponseParser(new Notes());
	t.throws(() => parser.feed(Buffer.from("HTTP/1.1 408 Too late\r\n\r\n")), {
		message: /expected no bytes before the next request/,
	});
	const asked = new ResponseParser(new Notes());
	asked.expect("GET");
	t.throws(() => asked.feed(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n")), {
		message: /no bytes before the next request, found "H"/,
	});
});

t.test("heads up to the limit, and not a byte or field more", async (t) => {
	const limits = { headBytes: 20_000, fieldCount: 50, trailerBytes: 500, extensionBytes: 100 };
	const read = (bytes: string, pieceSize = 1e9) => {
		const all = Buffer.from(bytes, "latin1");
		const pieces = Array.from({ length: Math.ceil(all.length / pieceSize) }, (_, i) =>
			all.subarray(i * pieceSize, (i + 1) * pieceSize),
		);
		return readMessages({ side: "request", bytes }, pieces, limits);
	};
	const filled = (size: number) => `GET / HTTP/1.1\r\nX: ${"x".repeat(size - 23)}\r\n\r\n`;
	const many = (count: number) => `GET / HTTP/1.1\r\n${"a:\r\n".repeat(count)}\r\n`;
	const chunked = (extension: number, trailer: number) =>
		`POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(extension - 1)}\r\na\r\n0\r\nX: ${"x".repeat(trailer - 7)}\r\n\r\n`;
	for (const size of [1e9, 1000, 7]) {
		t.match(read(filled(20_000), size), { fault: null, messages: { length: 1 } });
		t.match(read(filled(20_001), size), { fault: /request head: expected at most 20000 bytes, found "more"/ });
		t.match(
			read(filled(200_000).slice(0, 20_001), size),
			{ fault: /expected at most 20000 bytes/ },
			"without waiting for its end",
		);
		t.match(read(many(50), size), { fault: null, messages: { length: 1 } });
		t.match(read(many(51), size), { fault: /expected at most 50 fields/ });
		t.match(read(chunked(100, 500), size), { fault: null, messages: [{ body: "a" }] });
		t.match(read(chunked(101, 500), size), { fault: /expected at most 100 bytes of extensions/ });
		t.match(read(chunked(100, 501), size), { fault: /request trailers: expected at most 500 bytes/ });
	}
	t.match(
		readMessages({ side: "request", bytes: "" }, [Buffer.from(filled(256 * 1024))]),
		{ fault: null },
		"256 KiB unless said otherwise",
	);
	t.match(readMessages({ side: "request", bytes: "" }, [Buffer.from(filled(256 * 1024 + 1))]), {
		fault: /at most 262144 bytes/,
	});
});
