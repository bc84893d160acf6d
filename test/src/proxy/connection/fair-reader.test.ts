// A reader that takes turns with others.
import { PassThrough } from "node:stream";
import t from "tap";
import {
	continueInTurn,
	exceedsTurn,
	FairReader,
	isCrowded,
	noteAccepted,
	startInTurn,
} from "../../../../src/proxy/connection/fair-reader.ts";

/** Uses the processor for longer than the time of a turn. */
function work(): void {
	for (const end = performance.now() + 15; performance.now() < end; );
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A socket with three chunks, and those that were read. */
function reading(take = (_reader: FairReader): void => {}) {
	const socket = new PassThrough();
	const read: string[] = [];
	const reader: FairReader = new FairReader(socket, (bytes) => {
		read.push(String(bytes));
		take(reader);
	});
	for (const piece of ["a", "b", "c"]) socket.write(piece);
	return { socket, read, reader };
}

async function readAll(read: string[]): Promise<void> {
	while (read.length < 3) await turn();
}

t.test("slow readers of all sockets take turns", async (t) => {
	const busy = reading(work);
	const other = reading();
	t.ok(busy.socket.isPaused() || busy.read.length === 0);
	await readAll(busy.read);
	await readAll(other.read);
	t.strictSame(
		[busy.read, other.read],
		[
			["a", "b", "c"],
			["a", "b", "c"],
		],
	);
	await turn();
	t.equal(
		exceedsTurn(() => {}),
		false,
		"a new turn",
	);
	t.equal(exceedsTurn(work), true);
	t.equal(
		exceedsTurn(() => {}),
		true,
		"the same turn, for all",
	);
});

t.test("it stays paused after pause or stop", async (t) => {
	await turn();
	const { socket, read, reader } = reading((one) => {
		work();
		one.pause();
	});
	while (read.length < 1) await turn();
	for (let i = 0; i < 5; i++) await turn();
	t.ok(reader.isPaused);
	t.strictSame(read, ["a"]);
	reader.resume();
	while (read.length < 2) await turn();
	reader.resume();
	reader.stop();
	for (let i = 0; i < 5; i++) await turn();
	t.strictSame(read, ["a", "b"]);
	t.equal(String(socket.read()), "c");
});

t.test("bytes that arrive after the time of a turn wait for a later one, in order", async (t) => {
	const order: string[] = [];
	const sockets = ["a", "b", "c"].map((name) => {
		const socket = new PassThrough();
		const take = (bytes: Buffer) => {
			order.push(`${name}${bytes}`);
			work();
		};
		new FairReader(socket, take, () => order.push(`${name} end`));
		return { socket };
	});
	await turn();
	exceedsTurn(work);
	t.ok(isCrowded());
	for (const { socket } of sockets) {
		socket.write("1");
		socket.write("2");
		socket.end("3");
	}
	t.strictSame(order, []);
	while (order.filter((each) => each.endsWith("end")).length < 3) await turn();
	const of = (name: string) => order.filter((each) => each.startsWith(name)).map((each) => each.slice(1));
	t.strictSame(
		["a", "b", "c"].map((name) => of(name).join("")),
		["123 end", "123 end", "123 end"],
	);
	t.strictSame(
		order.slice(0, 3).map(([name]) => name),
		["a", "b", "c"],
	);
	await turn();
	await turn();
	t.notOk(isCrowded());
});

t.test(
	"held bytes: after pause they wait for resume, stop puts them back, and a closed socket drops them",
	async (t) => {
		const read: string[] = [];
		const [paused, stopped, closed] = ["paused", "stopped", "closed"].map((name) => {
			const socket = new PassThrough();
			return {
				socket,
				reader: new FairReader(
					socket,
					(bytes) => read.push(`${name} ${bytes}`),
					() => {},
				),
			};
		}) as { socket: PassThrough; reader: FairReader }[];
		await turn();
		exceedsTurn(work);
		for (const each of [paused, stopped, closed]) each?.socket.write("x");
		paused?.reader.pause();
		stopped?.reader.stop();
		closed?.socket.destroy();
		for (let i = 0; i < 5; i++) await turn();
		t.strictSame(read, []);
		t.equal(String(stopped?.socket.read()), "x");
		paused?.reader.resume();
		while (read.length < 1) await turn();
		t.strictSame(read, ["paused x"]);
	},
);

t.test("work continues in order, and shares turns if it takes no time", async (t) => {
	const done: number[] = [];
	for (let i = 0; i < 100; i++) continueInTurn(() => done.push(i));
	t.strictSame(done, []);
	await turn();
	t.strictSame(
		done,
		Array.from({ length: 100 }, (_, i) => i),
	);
});

t.test("work that takes long starts in turns", async (t) => {
	await turn();
	const started: string[] = [];
	const begin = (name: string) =>
		startInTurn("", "", () => {
			started.push(name);
			work();
		});
	for (const name of ["a", "b", "c"]) begin(name);
	t.strictSame(started, [], "not at once");
	await turn();
	t.strictSame(started, ["c"], "one in each turn");
	begin("d");
	while (started.length < 4) await turn();
	t.strictSame(started, ["c", "a", "d", "b"], "the newest and the oldest by turns");
	let count = 0;
	for (let i = 0; i < 100; i++) startInTurn("", "", () => void count++);
	while (count < 100) await turn();
	t.equal(count, 100, "work that takes no time shares a turn");
});

t.test("clients take turns, and so do the servers of each client", async (t) => {
	const started: string[] = [];
	for (const name of ["a x 1", "a x 2", "a x 3", "a y 1", "b x 1", "c z 1", "b x 2"]) {
		const [client = "", server = ""] = name.split(" ");
		startInTurn(client, server, () => {
			started.push(name);
			work();
		});
	}
	while (started.length < 7) await turn();
	t.strictSame(started, ["a x 3", "b x 2", "c z 1", "a y 1", "b x 1", "a x 1", "a x 2"]);
});

t.test("while clients are accepted, work waits, but not for long", async (t) => {
	let now = performance.now();
	t.intercept(performance, "now", { get: () => () => now });
	const started: string[] = [];
	const begin = (name: string) => startInTurn("", "", () => void started.push(name));
	now += 1000;
	noteAccepted();
	begin("a");
	await turn();
	t.strictSame(started, ["a"], "no work before: at once");
	begin("b");
	for (let i = 0; i < 10; i++) {
		noteAccepted();
		await turn();
	}
	t.strictSame(started, ["a"]);
	now += 50;
	noteAccepted();
	await turn();
	t.strictSame(started, ["a", "b"], "after a time, although clients still come");
	begin("c");
	noteAccepted();
	await turn();
	t.strictSame(started, ["a", "b"]);
	await turn();
	t.strictSame(started, ["a", "b", "c"], "no client came");
});
