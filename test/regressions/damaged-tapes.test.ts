// A tape with one damaged body: every command keeps all flows, one without its body, reports the damage, and ends
// with status 3.
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Command } from "../../commands/cli/command.ts";
import { command as convert } from "../../commands/convert.ts";
import { command as diff } from "../../commands/diff.ts";
import { command as exporting } from "../../commands/export.ts";
import { command as filter } from "../../commands/filter.ts";
import { command as prune } from "../../commands/prune.ts";
import { command as rewrite } from "../../commands/rewrite.ts";
import { command as show } from "../../commands/show.ts";
import { command as split } from "../../commands/split.ts";
import { command as stats } from "../../commands/stats.ts";
import { bareSqlite } from "../../fixtures/bare-sqlite.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { rootOf, withEndlessTree } from "../../fixtures/forged-trees.ts";
import { startTestLive } from "../../fixtures/live-proxy.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const FLOWS = 4;
/** Changes of the second row, and the flow that loses its body. */
const DAMAGES: Readonly<Record<string, string>> = {
	"a lost body": "DELETE FROM body WHERE id = (SELECT response_body FROM flow WHERE seq = 2)",
	"a body with a number that none has": "UPDATE flow SET head = substr(head, 6), response_body = -1 WHERE seq = 2",
	"text in place of a number": "UPDATE flow SET head = substr(head, 6), response_body = 'abc' WHERE seq = 2",
	"a body cut short":
		"UPDATE body SET bytes = substr(bytes, 1, 100) WHERE id = (SELECT response_body FROM flow WHERE seq = 2)",
	"other bytes":
		"UPDATE body SET bytes = zeroblob(length(bytes)) WHERE id = (SELECT response_body FROM flow WHERE seq = 2)",
};

async function whole(path: string): Promise<string> {
	await writeTape(
		path,
		Array.from({ length: FLOWS }, (_, n) =>
			httpFlow({
				id: `id-${n}`,
				request: { path: `/${n}` },
				response: { headers: [["Content-Type", "text/plain"]], body: `body-${n} `.repeat(300) },
			}),
		),
	);
	return path;
}

/** For each flow, whether it has the recorded body. */
async function bodiesOf(path: string): Promise<(boolean | null)[]> {
	const { flows } = await readTape(path);
	return flows.map((flow, n) => {
		const body = flow.type === "http" ? (flow.response?.rawContent ?? null) : null;
		return body === null || body.length === 0 ? null : body.toString() === `body-${n} `.repeat(300);
	});
}

for (const [name, sql] of Object.entries(DAMAGES)) {
	t.test(name, async (t) => {
		const folder = t.testdir();
		const [good, bad] = [await whole(join(folder, "good.tape")), join(folder, "bad.tape")];
		copyFileSync(good, bad);
		const db = bareSqlite(bad);
		db.exec(sql);
		db.close();
		const kept = [true, null, true, true];
		const says = async (command: Command, argv: string[], out?: string) => {
			t.match(
				await runCaptured(command, argv),
				{ status: 3, err: /flow 2: a body is damaged; the flow is kept without it \(id id-1/ },
				argv.join(" "),
			);
			if (out !== undefined) t.same(await bodiesOf(out), kept, argv.join(" "));
		};
		for (const format of ["jsonl", "mitm", "har", "tape"]) {
			const out = join(folder, `out.${format}`);
			await says(convert, [bad, out], out);
			await says(filter, ["~all", bad, "-o", out], out);
			await says(rewrite, [bad, "-o", out], out);
			await says(rewrite, [bad, "-o", out, "--modify-headers", "/x-new/y"], out);
			await says(rewrite, [bad, "-o", out, "--modify-body", "/nothing/y"], out);
		}
		t.match(
			await runCaptured(convert, [join(folder, "out.tape"), join(folder, "again.jsonl")]),
			{ status: 0, err: /^wrote \d+ flows to \S+\n$/ },
			"the copy has no damage",
		);
		await says(filter, ["~all", bad, "--json"]);
		await says(show, [bad]);
		await says(exporting, ["raw-request", bad]);
		await says(diff, [good, bad]);
		const { status, out } = await runCaptured(filter, ["~b body-3", bad, "--json"]);
		t.equal(status, 3);
		t.match(out, /"id-3"/);
		const before = readFileSync(bad);
		await says(rewrite, [bad, "--in-place", "--modify-headers", "/x-new/y"]);
		t.ok(readFileSync(bad).equals(before));
		t.match((await runCaptured(stats, [bad])).out, /4/);
	});
}

t.test("each page lost in turn: flows on other pages are kept, none with the body of another flow", async (t) => {
	const folder = t.testdir();
	const bytes = readFileSync(await whole(join(folder, "good.tape")));
	const size = bytes.readUInt16BE(16);
	const [bad, out] = [join(folder, "bad.tape"), join(folder, "out.jsonl")];
	for (let page = 1; page < bytes.length / size; page++) {
		const damaged = Buffer.from(bytes);
		damaged.fill(0, page * size, (page + 1) * size);
		writeFileSync(bad, damaged);
		const { status } = await runCaptured(convert, [bad, out]);
		const bodies = await bodiesOf(out);
		t.ok([0, 3].includes(status), `page ${page}: ${status}`);
		t.notOk(bodies.includes(false), `page ${page}`);
		if (status === 0) t.same(bodies, Array(FLOWS).fill(true), `page ${page}`);
		else if (bodies.length > 0) t.equal(bodies.length, FLOWS, `page ${page}`);
	}
});

t.test("a table whose pages point to the same page many times is refused by every command", async (t) => {
	const folder = t.testdir({ "r.jsonl": '{"event":"unused","id":"id-0"}\n' });
	const [good, bad] = [await whole(join(folder, "good.tape")), join(folder, "bad.tape")];
	for (const table of ["flow", "connection"]) {
		const bytes = withEndlessTree(readFileSync(good), rootOf(good, table));
		writeFileSync(bad, bytes);
		const out = join(folder, "out.tape");
		for (const [command, argv] of [
			[filter, ["~all", bad, "--count"]],
			[convert, [bad, out]],
			[convert, [bad, join(folder, "out.jsonl")]],
			[rewrite, [bad, "-o", out]],
			[rewrite, [bad, "--in-place", "--modify-headers", "/x-new/y"]],
			[prune, [bad, "--unused", join(folder, "r.jsonl"), "-o", out]],
			[split, [bad, "--by", "status", "-o", join(folder, "parts")]],
			[stats, [bad]],
			[show, [bad]],
			[exporting, ["raw-request", bad]],
			[diff, [good, bad]],
		] as [Command, string[]][]) {
			t.match(
				await runCaptured(command, argv),
				{ status: 3, err: /the tape is damaged: its tables point to more pages than it has/ },
				argv.join(" "),
			);
			t.ok(readFileSync(bad).equals(bytes), "it is unchanged");
		}
	}
});

t.test("flows with numbers below 1 are read and reported", async (t) => {
	const bad = await whole(join(t.testdir(), "bad.tape"));
	const db = bareSqlite(bad);
	db.exec("UPDATE flow SET seq = -seq WHERE seq < 3");
	db.close();
	t.match(await runCaptured(filter, ["~all", bad, "--count"]), { status: 3, out: "4\n", err: /numbers below 1/ });
	const out = join(t.testdirName, "out.tape");
	t.match(await runCaptured(convert, [bad, out]), { status: 3 });
	t.equal((await readTape(out)).flows.length, 4);
});

t.test("flows with numbers that JavaScript does not distinguish are left out and reported", async (t) => {
	const bad = await whole(join(t.testdir(), "bad.tape"));
	const db = bareSqlite(bad);
	db.exec("UPDATE flow SET seq = 9007199254740993 WHERE seq = 2");
	db.close();
	const told = { status: 3, err: /numbers above 9007199254740991; they are left out/ };
	t.match(await runCaptured(filter, ["~all", bad]), told);
	t.match(await runCaptured(filter, ["~c 200", bad]), told);
	const out = join(t.testdirName, "out.tape");
	t.match(await runCaptured(convert, [bad, out]), told);
	t.equal((await readTape(out)).flows.length, 3);
});

for (const [name, sql] of Object.entries(DAMAGES)) {
	t.test(`replay that compares the bodies of requests: ${name}`, async (t) => {
		const bad = join(t.testdir(), "bad.tape");
		const body = (n: number) => JSON.stringify({ n, pad: "x".repeat(1000) });
		const type = { "Content-Type": "application/json" };
		await writeTape(
			bad,
			Array.from({ length: FLOWS }, (_, n) =>
				httpFlow({
					id: `id-${n}`,
					request: { method: "POST", headers: [["Host", "example.com"], ...Object.entries(type)], body: body(n) },
					response: { headers: [["Content-Type", "text/plain"]], body: `answer-${n}` },
				}),
			),
		);
		const db = bareSqlite(bad);
		db.exec(sql.replaceAll("response_body", "request_body"));
		db.close();
		const proxy = await startTestLive(t, {
			recordings: [bad],
			values: { server_replay_match_content: "meaning" },
			network: false,
		});
		for (let n = 0; n < FLOWS; n++) {
			const answer = await askThrough(proxy, "http://example.com/", { method: "POST", headers: type, body: body(n) });
			if (n === 1) t.match(answer, { status: 404 }, "a miss");
			else t.match(answer, { status: 200, body: `answer-${n}` });
		}
	});
}

/**
 * Sets the length of the first row in a table with one page to one byte
 * (https://sqlite.org/fileformat2.html#b_tree_pages).
 */
function loseFirstRow(path: string, table: string): void {
	const db = bareSqlite(path);
	const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(table) as {
		rootpage: number;
	};
	const { page_size: size } = db.prepare("PRAGMA page_size").get() as { page_size: number };
	db.close();
	const bytes = readFileSync(path);
	const page = (rootpage - 1) * size;
	bytes.writeUInt8(1, page + bytes.readUInt16BE(page + 8));
	writeFileSync(path, bytes);
}

t.test("a connection that cannot be read costs no flow, in any output format", async (t) => {
	const folder = t.testdir();
	const bad = await whole(join(folder, "bad.tape"));
	loseFirstRow(bad, "connection");
	for (const format of ["tape", "jsonl", "mitm", "har"]) {
		const out = join(folder, `out.${format}`);
		for (const [command, argv] of [
			[convert, [bad, out]],
			[filter, ["~all", bad, "-o", out]],
			[rewrite, [bad, "-o", out, "--modify-headers", "/x-new/y"]],
		] as const) {
			t.match(await runCaptured(command, [...argv]), { status: 3 }, argv.join(" "));
			t.same(await bodiesOf(out), [true, true, true, true], argv.join(" "));
		}
	}
});

t.test("if the first and last rows cannot be read, and no index counts them, the rows between are kept", async (t) => {
	const folder = t.testdir();
	const [bad, out] = [join(folder, "bad.tape"), join(folder, "out.jsonl")];
	const count = 1000;
	await writeTape(
		bad,
		Array.from({ length: count }, (_, n) => httpFlow({ id: `id-${n}`, response: { body: "x".repeat(200) } })),
	);
	const db = bareSqlite(bad);
	db.exec("DROP INDEX flow_facts; DROP INDEX flow_request_key");
	const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'flow'").get() as {
		rootpage: number;
	};
	db.close();
	const bytes = readFileSync(bad);
	const size = bytes.readUInt16BE(16);
	const root = (rootpage - 1) * size;
	const first = bytes.readUInt32BE(root + bytes.readUInt16BE(root + 12));
	const last = bytes.readUInt32BE(root + 8);
	for (const page of [first, last]) bytes.fill(0, (page - 1) * size, page * size);
	writeFileSync(bad, bytes);
	t.match(await runCaptured(convert, [bad, out]), { status: 3, err: /the tape is damaged/ });
	const { flows } = await readTape(out);
	t.ok(flows.length > count - 100, `${flows.length} of ${count}`);
	t.not(flows[0]?.id, "id-0");
});

t.test("numbers far from 1 and far apart are not damage, and damage before them costs no other flow", async (t) => {
	const folder = t.testdir();
	const [file, bad, out] = [join(folder, "a.tape"), join(folder, "bad.tape"), join(folder, "out.jsonl")];
	const count = 300;
	await writeTape(
		file,
		Array.from({ length: count }, (_, n) => httpFlow({ id: `id-${n}`, response: { body: "x".repeat(200) } })),
	);
	const db = bareSqlite(file);
	db.exec("UPDATE flow SET seq = seq + 1e6 * (1 + seq / 100) WHERE true");
	const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'flow'").get() as {
		rootpage: number;
	};
	db.close();
	for (const [command, argv] of [
		[convert, [file, join(folder, "copy.tape")]],
		[convert, [file, out]],
		[filter, ["~hs nothing | ~all", file, "-o", join(folder, "other.tape")]],
		[rewrite, [join(folder, "copy.tape"), "--in-place", "--modify-headers", "/x-new/y"]],
		[rewrite, [join(folder, "other.tape"), "--sort", "--in-place"]],
	] as [Command, string[]][]) {
		t.match(await runCaptured(command, argv), { status: 0 }, argv.join(" "));
		t.equal((await readTape(argv.find((arg) => arg !== file && arg.startsWith(folder)) as string)).flows.length, count);
	}
	const bytes = readFileSync(file);
	const size = bytes.readUInt16BE(16);
	const root = (rootpage - 1) * size;
	const first = bytes.readUInt32BE(root + bytes.readUInt16BE(root + 12));
	bytes.fill(0, (first - 1) * size, first * size);
	writeFileSync(bad, bytes);
	for (const to of [out, join(folder, "out.tape"), join(folder, "out.mitm")]) {
		t.match(await runCaptured(convert, [bad, to]), { status: 3, err: /the tape is damaged/ });
		const { flows } = await readTape(to);
		t.ok(flows.length > count - 50, `${flows.length} of ${count}`);
		t.equal(flows.at(-1)?.id, `id-${count - 1}`);
	}
});

t.test("a misplaced row is reported when rows are copied", async (t) => {
	const folder = t.testdir();
	const [bad, out] = [await whole(join(folder, "bad.tape")), join(folder, "out.tape")];
	const db = bareSqlite(bad);
	const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'flow'").get() as {
		rootpage: number;
	};
	db.close();
	const bytes = readFileSync(bad);
	// swaps the second and third row pointers of the page
	const pointers = (rootpage - 1) * bytes.readUInt16BE(16) + 8;
	const [second, third] = [bytes.readUInt16BE(pointers + 2), bytes.readUInt16BE(pointers + 4)];
	bytes.writeUInt16BE(third, pointers + 2);
	bytes.writeUInt16BE(second, pointers + 4);
	writeFileSync(bad, bytes);
	const { status } = await runCaptured(convert, [bad, out]);
	const { length } = (await readTape(out)).flows;
	t.ok(status === 3 || (status === 0 && length === FLOWS), `status ${status}, ${length} flows`);
});

t.test("an input that cannot be read completely is not replaced", async (t) => {
	const folder = t.testdir({ "r.jsonl": '{"event":"unused","id":"id-0"}\n' });
	const tape = await whole(join(folder, "a.tape"));
	const db = bareSqlite(tape);
	db.exec(DAMAGES["other bytes"] as string);
	db.close();
	const before = readFileSync(tape);
	const link = join(folder, "link.tape");
	symlinkSync(tape, link);
	for (const [command, argv] of [
		[prune, [tape, "--unused", join(folder, "r.jsonl"), "-o", tape]],
		[prune, [tape, "--unused", join(folder, "r.jsonl"), "-o", link, "-q"]],
		[filter, ["~all", tape, "-o", tape]],
		[rewrite, [tape, "-o", tape, "-q"]],
		[convert, [link, tape]],
	] as [Command, string[]][]) {
		t.match(
			await runCaptured(command, argv),
			{
				status: 3,
				err: /(?:a|link)\.tape was left unchanged, because parts of it cannot be read; name another output/,
			},
			argv.join(" "),
		);
		t.ok(readFileSync(tape).equals(before), "it is unchanged");
	}
});
