// Content that is made to be hard to search: redaction ends, twice is once, and a secret in it is replaced.
import { gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { RandomTokens } from "../../fixtures/random-tokens.ts";
import { redactorOf } from "../../fixtures/redaction.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

const random = new RandomTokens(66);
const SECRET = random.text("alphanumeric", 30);
const many = (count: number, text: string) => text.repeat(count);

const answered = (contentType: string, body: string | Buffer, coding?: string) =>
	httpFlow({
		response: {
			headers: [
				["Content-Type", contentType],
				...(coding === undefined ? [] : [["Content-Encoding", coding] as const]),
			],
			body,
		},
	});

function contentOf(flow: HttpFlow): string {
	const { request, response } = flow;
	return [request.path, ...request.headers.fields, response?.content?.latin1Slice() ?? ""].join("\n");
}

const hostile: Record<string, () => HttpFlow> = {
	"a header of many cookies": () =>
		httpFlow({ request: { headers: [["Cookie", `${many(20_000, "a=b; ")}sid=${SECRET}`]] } }),
	"a query of many pairs": () => httpFlow({ request: { path: `/?${many(50_000, "a=b&")}token=${SECRET}` } }),
	"a path of many parameters": () => httpFlow({ request: { path: `/x${many(50_000, ";a=b")};jsessionid=${SECRET}` } }),
	"JSON of many members": () => answered("application/json", `[${many(150_000, "{},")}{"password":"${SECRET}"}]`),
	"JSON that is nested too deeply": () =>
		answered("application/json", `${many(5000, "[")}"password = ${SECRET}"${many(5000, "]")}`),
	"values before names": () =>
		answered("application/json", `[${many(20_000, '{"value":"x1"},')}{"value":"${SECRET}","name":"password"}]`),
	"many parts": () =>
		answered(
			"multipart/form-data; boundary=B",
			`${many(20_000, '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n')}--B\r\nContent-Disposition: form-data; name="password"\r\n\r\n${SECRET}\r\n--B--\r\n`,
		),
	"scripts with data that do not end": () =>
		answered("text/html", `${many(100_000, "<script type=application/json>{}")}<input name=password value=${SECRET}>`),
	"open tags": () => answered("text/html", `${many(100_000, "<a b='")}' <input name="password" value="${SECRET}">`),
	"names without values": () => answered("text/plain", `${many(200_000, "password=")}\n password = "${SECRET}1x9"`),
	"a compressed body of one byte": () =>
		answered("application/json", gzipSync(`{"pad":"${many(8_000_000, "a")}","password":"${SECRET}"}`), "gzip"),
};

t.test("a secret in it goes", async (t) => {
	for (const [what, build] of Object.entries(hostile)) {
		const flow = build();
		redactorOf().redact(flow);
		const once = contentOf(flow);
		t.notOk(once.includes(SECRET), what);
		redactorOf().redact(flow);
		t.ok(contentOf(flow) === once, `${what}, twice`);
	}
});
