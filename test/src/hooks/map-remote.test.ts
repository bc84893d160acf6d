// URLs are rewritten with regular expressions, and requests go to the new URL.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { hookLog, runLive, runStored } from "../../../fixtures/run-hooks.ts";
import { createMapRemote } from "../../../src/hooks/map-remote.ts";

const create = (...map_remote: string[]) => createMapRemote({ map_remote }, {});
const page = () => httpFlow({ request: { scheme: "https", host: "example.org", path: "/img/a.png?x=1" } });

async function mapped(...rules: string[]): Promise<string> {
	const flow = page();
	t.equal(await runLive(await create(...rules), flow), null, "no verdict");
	return flow.request.url;
}

t.test("replaces all matches of the pattern, with groups", async (t) => {
	for (const [rules, url] of [
		[["|//example.org/|//shop.example/"], "https://shop.example/img/a.png?x=1"],
		[["|^https://|http://"], "http://example.org/img/a.png?x=1"],
		[["|https://example.org|http://localhost:8000"], "http://localhost:8000/img/a.png?x=1"],
		[["|/img/(?P<name>\\w+)\\.(png)|/\\g<name>/\\2"], "https://example.org/a/png?x=1"],
		[["|nowhere|E"], "https://example.org/img/a.png?x=1"],
		[["|EXAMPLE|other"], "https://example.org/img/a.png?x=1"],
		[["|(?i)EXAMPLE|other"], "https://other.org/img/a.png?x=1"],
		[["|~m POST|example|other"], "https://example.org/img/a.png?x=1"],
		[["|~m GET|example|other"], "https://other.org/img/a.png?x=1"],
		[["|example|middle", "|middle|end"], "https://end.org/img/a.png?x=1"],
		[["|~u example|a.png|b.png", "|~u b.png|example|other"], "https://other.org/img/b.png?x=1"],
	] as const)
		t.equal(await mapped(...rules), url, rules.join(" "));
});

t.test("Host and authority are changed if they are present", async (t) => {
	for (const run of [runLive, runStored]) {
		const flow = httpFlow({
			request: {
				host: "example.org",
				authority: "example.org",
				httpVersion: "HTTP/2.0",
				headers: [["Host", "example.org"]],
			},
		});
		await run(await create("|example.org|localhost:81"), flow);
		t.match(flow.request, {
			host: "localhost",
			port: 81,
			authority: "localhost:81",
			headers: { fields: ["Host", "localhost:81"] },
		});
	}
	const bare = httpFlow({ request: { host: "example.org", headers: [] } });
	await runLive(await create("|example.org|localhost"), bare);
	t.same(bare.request.headers.fields, []);
});

t.test("the rest of the URL and the real host stay", async (t) => {
	const flow = httpFlow({ request: { host: "192.0.2.1", headers: [["Host", "example.org"]] } });
	const { changed, onChange } = hookLog();
	await runLive(await createMapRemote({ map_remote: ["|nothing|else", "|example|example"] }, { onChange }), flow);
	t.equal(flow.request.host, "192.0.2.1");
	t.same(changed, []);
	await runLive(await createMapRemote({ map_remote: ["|/$|/x"] }, { onChange }), flow);
	t.equal(flow.request.url, "http://example.org/x", "a rewritten URL is that of the Host header");
	t.same(changed, ["|/$|/x"]);
});

t.test("an invalid URL is logged, and the request is unchanged", async (t) => {
	for (const replacement of [
		"nope://x/",
		"https://ex ample/",
		"https://é/",
		"https://",
		"/relative",
		"https://x:99999/",
	]) {
		const { lines, log } = hookLog();
		const flow = page();
		await runLive(await createMapRemote({ map_remote: [`|^.*$|${replacement}`] }, { log }), flow);
		t.equal(flow.request.url, "https://example.org/img/a.png?x=1", replacement);
		t.match(lines, [/^warning: https:\/\/example.org\/img\/a.png\?x=1 is left as it is: /]);
	}
});

t.test("invalid rules, and no rules", async (t) => {
	t.equal(await create(), null);
	await t.rejects(create("|a"), { code: "FT_BAD_OPTION" });
	await t.rejects(create("|[|b"), { code: "FT_BAD_PATTERN" });
	await t.rejects(create("|a|\\2"), { code: "FT_BAD_PATTERN" });
	await t.rejects(create("|~zz|a|b"), { code: "FT_BAD_FILTER" });
	t.match(await create("|~bq x|a|b"), { needs: { request: "decides" } });
});
