// Damage in the tables of a tape that only a checksum detects: a changed bit in the row of a flow, a message, a
// connection or a certificate is reported in every operation.
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Command } from "../../commands/cli/command.ts";
import { command as convert } from "../../commands/convert.ts";
import { command as filter } from "../../commands/filter.ts";
import { command as rewrite } from "../../commands/rewrite.ts";
import { command as stats } from "../../commands/stats.ts";
import { bareSqlite } from "../../fixtures/bare-sqlite.ts";
import { httpFlow, tcpFlow, websocketFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { storeAt, storeWith } from "../../fixtures/stores.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

/** Damage that only a checksum detects, and its message. */
const CHANGES: readonly [name: string, sql: string, says: RegExp, kept: number][] = [
	[
		"a path",
		"UPDATE flow SET path = '/9' WHERE seq = 2",
		/flow 2: its record cannot be decoded; the flow is left out/,
		3,
	],
	[
		"a head",
		"UPDATE flow SET head = CAST(replace(head, 'text/plain', 'text/plaim') AS BLOB) WHERE seq = 2",
		/flow 2: its record cannot be decoded/,
		3,
	],
	[
		"a small body",
		"UPDATE flow SET request_body = CAST('smalk' AS BLOB) WHERE seq = 2",
		/flow 2: its record cannot be decoded/,
		3,
	],
	[
		"a connection",
		"UPDATE connection SET bytes = CAST(replace(bytes, '127.0.0.1', '127.0.0.2') AS BLOB)",
		/flow 2: its client connection is damaged/,
		4,
	],
	[
		"a connection that is not there",
		"DELETE FROM connection WHERE id = (SELECT client_conn FROM flow WHERE seq = 2)",
		/flow 2: its client connection is damaged; the flow is kept without it/,
		4,
	],
	[
		"a number of a connection beyond all",
		"DELETE FROM connection WHERE id = (SELECT max(id) FROM connection)",
		/flow 4: its (client|server) connection is damaged; the flow is kept without it/,
		4,
	],
	[
		"a certificate that is not there",
		"DELETE FROM certificate",
		/a certificate of connection \d+ is damaged; the connection is kept without it \(it is missing/,
		4,
	],
	[
		"a certificate",
		"UPDATE certificate SET pem = CAST('leag' AS BLOB)",
		/a certificate of connection \d+ is damaged; the connection is kept without it/,
		4,
	],
	[
		"the mark of a checksum",
		"UPDATE flow SET head = CAST(x'c3' || substr(head, 2) AS BLOB) WHERE seq = 2",
		/flow 2: its record cannot be decoded/,
		3,
	],
	[
		"that of a connection",
		"UPDATE connection SET bytes = CAST(x'c3' || substr(bytes, 2) AS BLOB)",
		/flow 2: its client connection is damaged/,
		4,
	],
	[
		"a head that has no checksum, with too few parts",
		"UPDATE flow SET head = x'90' WHERE seq = 2",
		/flow 2: its record cannot be decoded/,
		3,
	],
	[
		"a connection that has no checksum, with too few parts",
		"UPDATE connection SET bytes = x'90'",
		/flow 2: its client connection is damaged/,
		4,
	],
	[
		"a message",
		"UPDATE message SET from_client = 1 - from_client WHERE n = 1",
		/flow 4: a message is damaged; the flow is kept without it/,
		4,
	],
];

t.test("empty values are intact", async (t) => {
	const folder = t.testdir();
	const messages = ["", "b", ""].map((text) => ({ fromClient: true, content: Buffer.from(text), timestamp: 1 }));
	const flows = [
		tcpFlow({ id: "tcp", messages }),
		websocketFlow({ id: "ws" }),
		httpFlow({ id: "http", request: { body: "" }, response: { body: "" } }),
	];
	await writeTape(join(folder, "a.jsonl"), flows);
	for (const to of ["b.tape", "c.tape", "d.mitm", "e.tape", "f.jsonl"]) {
		const from = {
			"b.tape": "a.jsonl",
			"c.tape": "b.tape",
			"d.mitm": "c.tape",
			"e.tape": "d.mitm",
			"f.jsonl": "e.tape",
		}[to] as string;
		t.match(await runCaptured(convert as Command, [join(folder, from), join(folder, to)]), { status: 0 }, to);
	}
	const { flows: read } = await readTape(join(folder, "f.jsonl"));
	t.match(read[0], { id: "tcp", messages: messages.map(({ content }) => ({ content })) });
});

for (const [name, sql, said, kept] of CHANGES) {
	t.test(`changed: ${name}`, async (t) => {
		const folder = t.testdir();
		const file = join(folder, "a.tape");
		const flow = (n: number) =>
			httpFlow({
				id: `id-${n}`,
				request: { path: `/${n}`, body: "small" },
				response: { headers: [["Content-Type", "text/plain"]] },
				serverConn: { certificateList: [Buffer.from("leaf")] },
			});
		const messages = [true, false].map((fromClient) => ({ fromClient, content: Buffer.from("hello"), timestamp: 1 }));
		await writeTape(file, [flow(1), flow(2), flow(3), tcpFlow({ id: "id-4", messages })]);
		const db = bareSqlite(file);
		db.exec(sql);
		db.close();
		for (const format of ["tape", "mitm"]) {
			const out = join(folder, `out.${format}`);
			for (const [command, argv] of [
				[convert, [file, out]],
				[filter, ["~all", file, "-o", out]],
				[rewrite, [file, "-o", out, "--modify-headers", "/x-new/y"]],
			] as [Command, string[]][]) {
				t.match(await runCaptured(command, argv), { status: 3, err: said }, argv.join(" "));
				t.equal((await readTape(out)).flows.length, kept);
			}
		}
		const before = readFileSync(file);
		t.match(await runCaptured(rewrite, [file, "--in-place"]), { status: 3, err: said });
		t.ok(readFileSync(file).equals(before), "the file is untouched");
		const copy = join(folder, "copy.tape");
		copyFileSync(file, copy);
		t.match(await runCaptured(rewrite, [copy, "--in-place", "--drop-unread"]), { status: 3, err: said });
		t.equal((await readTape(copy)).flows.length, kept);
		t.match(
			await runCaptured(convert, [join(folder, "out.tape"), join(folder, "again.jsonl")]),
			{ status: 0, err: /^wrote \d+ flows to \S+\n$/ },
			"the copy has no damage",
		);
	});
}

/** Rows that were deleted, and the messages about them. */
const DELETIONS: readonly [name: string, sql: string, says: RegExp, kept: number][] = [
	[
		"the last message of a WebSocket",
		"DELETE FROM message WHERE flow = 1 AND n = 2",
		/flow 1: the list of its messages is damaged; .*expected 3 messages, found 2\)/,
		3,
	],
	[
		"all messages of a TCP flow",
		"DELETE FROM message WHERE flow = 2",
		/flow 2: the list of its messages is damaged; .*expected 2 messages, found 0\)/,
		3,
	],
	["the last flow", "DELETE FROM flow WHERE seq = 3", /1 flow is missing: fewer flows are there than were recorded/, 2],
	["the first flows", "DELETE FROM flow WHERE seq < 3", /2 flows are missing/, 1],
];

for (const recorded of [false, true])
	for (const [name, sql, said, kept] of DELETIONS)
		t.test(`deleted from a ${recorded ? "recorded" : "new"} tape: ${name}`, async (t) => {
			const folder = t.testdir();
			const file = join(folder, "a.tape");
			const texts = ["a", "b", "c"].map((text) => ({ fromClient: true, content: Buffer.from(text), timestamp: 1 }));
			const messages = texts.map((message) => ({ ...message, opcode: 1, dropped: false, injected: false }));
			const end = { closedByClient: true, closeCode: 1000, closeReason: "", timestampEnd: 2 };
			const websocket = { ...end, messages: recorded ? messages.slice(0, 1) : messages };
			const flows = [
				httpFlow({ id: "ws", websocket }),
				tcpFlow({ id: "tcp", messages: texts.slice(0, 2) }),
				httpFlow({ id: "last" }),
			];
			const store = storeAt(file, recorded ? "append" : "create");
			for (const flow of flows) {
				if (!recorded || flow.type !== "http" || flow.websocket === null) store.append(flow);
				else {
					const open = store.open(flow);
					for (const message of messages.slice(1)) open.addMessage(message);
					open.close();
				}
			}
			await store.close();
			const whole = join(folder, "whole.tape");
			t.match(await runCaptured(convert as Command, [file, whole]), { status: 0, err: /^wrote 3 flows[^\n]*\n$/ });
			for (const path of [file, whole]) {
				const db = bareSqlite(path);
				db.exec(sql);
				db.close();
				for (const format of ["tape", "mitm"]) {
					const out = join(folder, `out.${format}`);
					for (const [command, argv] of [
						[convert, [path, out]],
						[filter, ["~all", path, "-o", out]],
						[rewrite, [path, "-o", out, "--modify-headers", "/x-new/y"]],
					] as [Command, string[]][]) {
						t.match(await runCaptured(command, argv), { status: 3, err: said }, argv.join(" "));
						t.equal((await readTape(out)).flows.length, kept);
					}
				}
				t.match(
					await runCaptured(convert as Command, [join(folder, "out.tape"), join(folder, "again.jsonl")]),
					{ status: 0, err: /^wrote \d+ flows? to \S+\n$/ },
					"the copy lacks nothing",
				);
			}
		});

t.test("flows added to a tape with missing flows do not hide the loss", async (t) => {
	const file = join(t.testdir(), "a.tape");
	await writeTape(file, [httpFlow({ id: "1" }), httpFlow({ id: "2" }), httpFlow({ id: "3" })]);
	const db = bareSqlite(file);
	db.exec("DELETE FROM flow WHERE seq > 1");
	db.close();
	for (const added of [1, 2, 3]) {
		await storeWith(file, [httpFlow({ id: `a${added}` })], { mode: "append" });
		t.match(await runCaptured(stats as Command, [file]), { status: 3, err: /2 flows are missing/ });
	}
});

t.test("a tape with a damaged or impossible number of flows can be recorded to", async (t) => {
	for (const value of ["x'c101020304'", "x'01'", "x'cb7ff0000000000000'"]) {
		const file = join(t.testdir(), "a.tape");
		await writeTape(file, [httpFlow({ id: "1" })]);
		const db = bareSqlite(file);
		db.exec(`UPDATE meta SET value = ${value}`);
		db.close();
		await storeWith(file, [httpFlow({ id: "2" })], { mode: "append" });
		t.match(await runCaptured(stats as Command, [file]), { status: 0, err: "" });
		t.equal((await readTape(file)).flows.length, 2);
	}
});

/** Tables without which the flows can still be read, and the message for each. */
const TABLES: Readonly<Record<string, RegExp>> = {
	certificate: /a certificate of connection \d+ is damaged/,
	connection: /flow 1: its server connection is damaged/,
	body: /flow 11: a body is damaged/,
	chunk: /flow 13: a body is damaged/,
	message: /flow 3: the list of its messages is damaged/,
	meta: /the notes on the tape cannot be read/,
};

for (const [table, said] of Object.entries(TABLES)) {
	t.test(`without the table ${table}`, async (t) => {
		const folder = t.testdir();
		const file = join(folder, "a.tape");
		copyFileSync("fixtures/flows/tape-2.tape", file);
		const { length } = (await readTape(file)).flows;
		const db = bareSqlite(file);
		db.exec(`DROP TABLE ${table}`);
		db.close();
		t.match(await runCaptured(stats, [file, "--json"]), {
			status: 3,
			err: new RegExp(`the table ${table} is missing: `),
			out: `"flows":${length},`,
		});
		const out = join(folder, "out.tape");
		for (const [command, argv] of [
			[convert, [file, out]],
			[filter, ["~all", file, "-o", out]],
			[rewrite, [file, "-o", out, "--modify-headers", "/x-new/y"]],
		] as [Command, string[]][]) {
			t.match(await runCaptured(command, argv), { status: 3, err: said }, argv.join(" "));
			t.equal((await readTape(out)).flows.length, length);
		}
	});
}
