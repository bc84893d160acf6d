// Requests are answered from files: the choice of the file, its media type, and never a file outside the folder.
import { chmodSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { hookLog, runLive, runStored } from "../../../fixtures/run-hooks.ts";
import { createMapLocal } from "../../../src/hooks/map-local.ts";

const folder = realpathSync(
	t.testdir({
		"outside.txt": "outside",
		site: {
			"index.html": "front",
			"bar.jpg": "bar",
			"foo bar.jpg": "spaced",
			f_ob_r: "saved under a plain name",
			"results?id=1&foo=2": "asked",
			sub: { "index.html": "sub front", "page.html": "page" },
			etc: { passwd: "harmless" },
			"style.CSS": "css",
			"data.bin": "x",
			"no-extension": "plain",
		},
		empty: {},
	}),
);
const site = join(folder, "site");

const create = (rules: readonly string[], more: { followSymlinks?: boolean; log?: ReturnType<typeof hookLog> } = {}) =>
	createMapLocal(
		{ map_local: rules, map_local_follow_symlinks: more.followSymlinks ?? false },
		{ now: () => 5, ...more.log },
	);

/**
 * The body that answers a GET for a path of example.com; the status where there is none; null where it goes on to the
 * server.
 */
async function answer(rules: readonly string[], path: string): Promise<string | number | null> {
	const flow = httpFlow({ request: { path } });
	const verdict = await runLive(await create(rules), flow);
	if (verdict === null) return null;
	return verdict.kind === "answer" && verdict.response.statusCode === 200
		? verdict.response.text
		: Number(flow.response?.statusCode);
}

t.test("in a folder, the rest of the URL names the file", async (t) => {
	const rule = `|example.com/foo|${site}`;
	for (const [path, body] of [
		["/foo", "front"],
		["/foo/", "front"],
		["/foo/bar.jpg", "bar"],
		["/foo/bar.jpg?query#x", "bar"],
		["/foobar.jpg", "bar"],
		["/foo//bar.jpg/", "bar"],
		["/foo/sub", "sub front"],
		["/foo/sub/page.html", "page"],
		["/foo/foo%20bar.jpg", "spaced"],
		["/foo/f%C3%B3ob%C3%A5r", "saved under a plain name"],
		["/foo/%2E", "front"],
		["/foo/etc/passwd", "harmless"],
		["/foo//etc/passwd", "harmless"],
		["/foo/nothing", 404],
		["/foo/empty", 404],
		["/other", null],
		["/FOO", null],
	] as const)
		t.equal(await answer([rule], path), body, path);
});

t.test("no file outside the folder is served", async (t) => {
	const rule = `|example.com/foo|${site}`;
	for (const path of [
		"/foo/../outside.txt",
		"/foo/%2e%2e/outside.txt",
		"/foo/..%2foutside.txt",
		"/foo/sub/../../outside.txt",
		"/foo/sub/../index.html",
		`/foo/%2F${folder.slice(1)}%2Foutside.txt`,
		"/foo/outside.txt%00.jpg",
		"/foo/..%5coutside.txt",
	])
		t.equal(await answer([rule], path), 404, path);
	t.equal(
		await answer([`|example.com/foo(.*)|${site}`], `/foo${folder}/outside.txt`),
		404,
		"an absolute path from a group",
	);
});

t.test("a group of the pattern names the file, including the query", async (t) => {
	t.equal(await answer([`|view\\.php\\?f=(.+)|${site}`], "/view.php?f=bar.jpg"), "bar");
	t.equal(await answer([`:(results\\?id=.+):${site}`], "/results?id=1&foo=2"), "asked");
	t.equal(await answer([`|/opt(/x)?|${site}`], "/opt"), "front", "a group that found nothing");
});

t.test("a file answers regardless of the rest of the URL; it is read for every request", async (t) => {
	const file = join(folder, "one.json");
	writeFileSync(file, "1");
	const hook = await create([`|example.com/one|${file}`]);
	for (const body of ["1", "2"]) {
		writeFileSync(file, body);
		const flow = httpFlow({ request: { method: "POST", path: "/one/more?x" } });
		await runLive(hook, flow);
		t.match(flow.response, {
			statusCode: 200,
			reason: "OK",
			text: body,
			headers: { fields: ["Content-Type", "application/json", "content-length", "1"] },
			timestampStart: 5,
		});
	}
	rmSync(file);
	const flow = httpFlow({ request: { path: "/one" } });
	await runLive(hook, flow);
	t.match(flow.response, { statusCode: 404, reason: "Not Found", headers: { fields: ["content-length", "0"] } });
});

t.test("concurrent responses share a large file in memory, until it changes", async (t) => {
	const file = join(t.testdir(), "large");
	writeFileSync(file, Buffer.alloc(200_000, "1"));
	const hook = await create([`|example.com|${file}`]);
	const body = async () => {
		const verdict = await runLive(hook, httpFlow());
		return verdict?.kind === "answer" ? verdict.response.body : null;
	};
	const [one, two] = await Promise.all([body(), body()]);
	t.equal(one, two);
	t.equal(await body(), one);
	writeFileSync(file, Buffer.alloc(200_000, "2"));
	t.equal(String(await body()), "2".repeat(200_000));
});

t.test("the media type depends on the extension, and is left out for unknown ones", async (t) => {
	for (const [name, type] of [
		["style.CSS", "text/css"],
		["index.html", "text/html"],
		["data.bin", "application/octet-stream"],
		["no-extension", null],
	] as const) {
		const flow = httpFlow({ request: { path: `/foo/${name}` } });
		await runLive(await create([`|example.com/foo|${site}`]), flow);
		t.equal(flow.response?.headers.get("content-type") ?? null, type, name);
	}
});

t.test("rules are tried in order until one has a file; filters select requests", async (t) => {
	const rules = [
		`|~m POST|example.com|${join(site, "data.bin")}`,
		`|example.com/foo|${join(folder, "empty")}`,
		`|example.com/foo|${site}`,
	];
	t.equal(await answer(rules, "/foo/bar.jpg"), "bar");
	t.equal(await answer(rules, "/foo/none"), 404);
	t.equal(await answer(rules, "/other"), null);
	t.equal(await answer([`|(?i)EXAMPLE.com/foo|${site}`], "/foo/bar.jpg"), "bar");
});

t.test("symbolic links inside the folder are followed, others only with the option", async (t) => {
	const linked = join(folder, "linked");
	mkdirSync(linked);
	writeFileSync(join(linked, "real.txt"), "real");
	symlinkSync("real.txt", join(linked, "inside.txt"));
	symlinkSync(join(folder, "outside.txt"), join(linked, "out.txt"));
	symlinkSync("loop", join(linked, "loop"));
	const rule = `|example.com/l|${linked}`;
	t.equal(await answer([rule], "/l/inside.txt"), "real");
	t.equal(await answer([rule], "/l/out.txt"), 404);
	t.equal(await answer([rule], "/l/loop"), 404);
	const flow = httpFlow({ request: { path: "/l/out.txt" } });
	await runLive(await create([rule], { followSymlinks: true }), flow);
	t.equal(flow.response?.text, "outside");
	symlinkSync(linked, join(folder, "alias"));
	t.equal(
		await answer([`|example.com/l|${join(folder, "alias")}`], "/l/real.txt"),
		"real",
		"the folder itself may be a link",
	);
});

t.test("missing and unreadable files are logged", async (t) => {
	const closed = join(folder, "closed");
	mkdirSync(closed);
	writeFileSync(join(closed, "x.txt"), "x");
	symlinkSync(join(folder, "outside.txt"), join(closed, "out.txt"));
	const log = hookLog();
	const hook = await create([`|example.com/c|${closed}`], { log });
	const ask = (path: string) => runLive(hook, httpFlow({ request: { path } }));
	await ask("/c/none.txt");
	await ask("/c/../x");
	await ask("/c/out.txt");
	t.match(log.lines, [
		/^info: no local file for http:\/\/example.com\/c\/none.txt: none of these files exists: .*none.txt, .*index.html$/,
		/^info: .*: "..\/x" is outside .*closed$/,
		/^warning: .*out.txt is not served: it is a link to a file outside /,
		/^info: /,
	]);
	t.same(log.changed, []);
	await ask("/c/x.txt");
	t.same(log.changed, [`|example.com/c|${closed}`]);
	await t.test("no permission", { skip: process.getuid?.() === 0 && "root may read everything" }, async (t) => {
		chmodSync(join(closed, "x.txt"), 0);
		await ask("/c/x.txt");
		t.match(log.lines.at(-2), /x.txt cannot be read: EACCES/);
	});
});

t.test("stored flows are answered too", async (t) => {
	const flow = httpFlow({ request: { path: "/foo/bar.jpg" }, response: { body: "recorded" } });
	await runStored(await create([`|example.com/foo|${site}`]), flow);
	t.equal(flow.response?.text, "bar");
});

t.test("invalid rules, and no rules", async (t) => {
	t.equal(await create([]), null);
	await t.rejects(create([`|a|${folder}/none`]), {
		code: "FT_BAD_OPTION",
		message: /there is no file or folder ".*none"/,
	});
	await t.rejects(create(["|a"]), { code: "FT_BAD_OPTION", message: /2 or 3 parts/ });
	await t.rejects(create([`|[|${site}`]), { code: "FT_BAD_PATTERN" });
	await t.rejects(create([`|~zz|a|${site}`]), { code: "FT_BAD_FILTER" });
	t.match(await create([`|~bq x|a|${site}`]), { needs: { request: "decides" } });
});
