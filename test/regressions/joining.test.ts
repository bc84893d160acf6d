// Several inputs of one command: the output is their union, in order, each flow with its own body and connections.
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { command as filter } from "../../commands/filter.ts";
import { command as rewrite } from "../../commands/rewrite.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { createTape } from "../../formats/index.ts";
import type { Flow } from "../../src/flow/flow.ts";

/** Inputs of which any two together are large enough for the writer thread. */
const LARGE = { flows: 40, bytes: 160_000 };
const SMALL = { flows: 12, bytes: 1500 };

/**
 * Flows in pairs over one connection each; some bodies are equal, some are in more than one input, some are too large
 * for one chunk.
 */
function flowsOf(name: string, { flows, bytes }: { flows: number; bytes: number }): Flow[] {
	return Array.from({ length: flows }, (_, index) => {
		const own = `${name} ${index} ${randomBytes(bytes).toString("base64")}`;
		const body =
			index % 10 === 3
				? "in every input ".repeat(100)
				: index === 5
					? own.repeat(Math.ceil(2_500_000 / own.length))
					: own;
		return httpFlow({
			request: {
				host: `${name}.example`,
				path: `/${index}`,
				method: "POST",
				body: `asked ${name} ${index} ${"?".repeat(index * 20)}`,
			},
			response: { headers: [["Content-Type", "text/plain"]], body },
			clientConn: { id: `${name}-client-${index >> 1}`, peername: ["10.0.0.1", 2000 + (index >> 1)] },
			serverConn: { id: `${name}-server-${index >> 1}`, address: [`${name}.example`, 80] },
		});
	});
}

const bodyOf = (body: Buffer | null): string =>
	createHash("sha1")
		.update(body ?? "")
		.digest("hex");

/** The parts of a flow that belong together. */
function signature(flow: Flow) {
	if (flow.type !== "http") throw new Error(`expected an HTTP flow, found ${flow.type}`);
	const { request, response, clientConn, serverConn } = flow;
	return {
		url: `${request.host}${request.path}`,
		asked: bodyOf(request.content),
		answered: bodyOf(response?.content ?? null),
		headers: response?.headers.fields.length,
		client: clientConn.peername,
		server: serverConn.address,
		clientId: clientConn.id,
		serverId: serverConn.id,
	};
}

const signatures = async (path: string) => {
	const { flows, reported } = await readTape(path);
	t.same(reported, [], path);
	return flows.map(signature);
};

const EXTENSIONS = ["tape", "mitm", "har", "jsonl"];
const NAMES = ["alpha", "beta", "gamma"];

for (const [title, size] of [
	["small", SMALL],
	["large", LARGE],
] as const) {
	t.test(`${title} inputs`, async (t) => {
		const folder = t.testdir();
		const held = new Map<string, Awaited<ReturnType<typeof signatures>>>();
		for (const name of NAMES) {
			const flows = flowsOf(name, size);
			for (const extension of EXTENSIONS) {
				const path = join(folder, `${name}.${extension}`);
				await writeTape(path, flows);
				held.set(path, await signatures(path));
			}
		}
		const path = (name: string, extension: string) => join(folder, `${name}.${extension}`);
		const pairs = EXTENSIONS.flatMap((first) =>
			EXTENSIONS.map((second) => [path("alpha", first), path("beta", second)]),
		);
		const jobs = [
			// only rows of tapes are reused
			...pairs.filter((inputs) => size === SMALL || inputs.some((input) => input.endsWith(".tape"))),
			...["alpha", "beta"].map((name) => [path(name, "tape"), path(name, "tape")]),
			NAMES.map((name) => path(name, "tape")),
			["gamma.har", "alpha.tape", "beta.tape"].map((name) => join(folder, name)),
			["alpha.tape", "beta.mitm", "gamma.tape"].map((name) => join(folder, name)),
			["beta.mitm", "alpha.tape", "gamma.tape"].map((name) => join(folder, name)),
			["alpha.tape", "gamma.har", "beta.tape", "alpha.jsonl"].map((name) => join(folder, name)),
		];
		for (const inputs of jobs) {
			const expected = inputs.flatMap((input) => held.get(input) ?? []);
			const named = inputs.map((input) => input.slice(folder.length + 1)).join(" ");
			const out = join(folder, "out.tape");
			for (const [verb, run] of [
				["filter", () => runCaptured(filter, ["~all", ...inputs, "-o", out])],
				["filter some", () => runCaptured(filter, ["~u /[0-9]*[02468]$", ...inputs, "-o", out])],
				["rewrite", () => runCaptured(rewrite, [...inputs, "-o", out])],
				["rewrite by a rule", () => runCaptured(rewrite, [...inputs, "-o", out, "--modify-headers", "/x-rule/1"])],
			] as const) {
				const { status, err } = await run();
				t.equal(status, 0, `${verb} ${named}: ${err}`);
				const wanted = verb === "filter some" ? expected.filter(({ url }) => /[02468]$/.test(url)) : expected;
				const added = verb === "rewrite by a rule" ? 2 : 0;
				t.strictSame(
					await signatures(out),
					wanted.map((one) => ({ ...one, headers: (one.headers ?? 0) + added })),
					`${verb} ${named}`,
				);
			}
		}
	});
}

t.test("flows with equal ids and different contents are all kept", async (t) => {
	const folder = t.testdir();
	const of = (body: string) =>
		["one", "two"].map((id) => httpFlow({ id, response: { body: `${id} ${body}`.repeat(200) } }));
	const joined = async (path: string) => {
		const { flows, reported } = await readTape(path);
		t.same(reported, [], path);
		return flows.map((flow) => [flow.id, flow.type === "http" && `${flow.response?.content}`.slice(0, 5)] as const);
	};
	for (const extension of EXTENSIONS) {
		for (const name of ["a", "b"]) await writeTape(join(folder, `${name}.${extension}`), of(name));
	}
	const kinds = EXTENSIONS.flatMap((from) => EXTENSIONS.map((to) => [from, to] as const));
	for (const [index, [first, to]] of kinds.entries()) {
		const second = EXTENSIONS[index % 3] as string;
		const inputs = [join(folder, `a.${first}`), join(folder, `b.${second}`), join(folder, `a.${second}`)];
		const out = join(folder, `out.${to}`);
		for (const [command, argv] of [
			[filter, ["~all", ...inputs, "-o", out]],
			[rewrite, [...inputs, "-o", out, "--set-comment", "joined"]],
		] as const) {
			const { status, err } = await runCaptured(command, argv);
			t.equal(status, 0, err);
			const found = await joined(out);
			t.same(
				found.map(([, body]) => body),
				["one a", "two a", "one b", "two b", "one a", "two a"],
				`${first} ${second} to ${to}`,
			);
			t.same(
				found.slice(0, 2).map(([id]) => id),
				["one", "two"],
			);
			if (to !== "mitm") continue;
			t.equal(new Set(found.map(([id]) => id)).size, 6);
			t.match(err, "out.mitm: a dump cannot store several flows with the same id: the later ones get new ids");
			// the same join gives the same ids
			t.equal((await runCaptured(command, argv)).status, 0);
			t.same(await joined(out), found);
		}
	}
});

t.test("adding to a tape replaces nothing in it", async (t) => {
	const folder = t.testdir();
	const { report } = reports();
	for (const extension of EXTENSIONS) {
		const path = join(folder, `added.${extension}`);
		for (const url of ["/1", "/2", "/3"]) {
			const sink = await createTape(path, { append: true, report });
			await sink.append(httpFlow({ id: "same", request: { path: url } }));
			await sink.close();
		}
		const { flows } = await readTape(path);
		t.same(
			flows.map((flow) => flow.type === "http" && flow.request.path),
			["/1", "/2", "/3"],
			extension,
		);
	}
});

t.test("a dump that already has the new ids", async (t) => {
	const folder = t.testdir();
	const [one, two, three] = ["one.mitm", "two.mitm", "three.mitm"].map((name) => join(folder, name)) as [
		string,
		string,
		string,
	];
	const joined = async (inputs: string[], out: string) => {
		t.match(await runCaptured(filter, ["~all", ...inputs, "-o", out]), { status: 0 });
		return (await readTape(out)).flows.map(({ id }) => id);
	};
	await writeTape(one, [httpFlow({ id: "same" })]);
	await joined([one, one], two);
	const ids = await joined([two, one, two, one], three);
	t.equal(ids.length, 6);
	t.equal(new Set(ids).size, 6);
});

t.test("an input that is not a tape is reported, and the others are read", async (t) => {
	const folder = t.testdir({ "words.har": "just some words", "empty.jsonl": "" });
	const [one, two] = [join(folder, "one.jsonl"), join(folder, "two.har")];
	await writeTape(one, [httpFlow()]);
	await writeTape(two, [httpFlow(), httpFlow()]);
	const words = join(folder, "words.har");
	const out = join(folder, "x.tape");
	for (const inputs of [
		[one, words, two],
		[words, one, two],
		[one, two, words],
	]) {
		const { status, err } = await runCaptured(filter, ["~all", ...inputs, "-o", out]);
		t.equal(status, 3);
		t.match(err, "words.har: byte 0: not a tape");
		t.equal((await readTape(out)).flows.length, 3, inputs.join(" "));
	}
	await writeFile(out, "before");
	t.match(await runCaptured(filter, ["~all", words, "-o", out]), { status: 3, err: /words\.har/ });
	t.match(await runCaptured(filter, ["~all", one, words, "-o", out, "--strict"]), { status: 3, err: /words\.har/ });
});
