// Calls listeners, yields events, and turns errors of listeners into events.
import t from "tap";
import { Emitter } from "../../api/emitter.ts";

interface Events {
	word: string;
	number: number;
	error: Error;
}

t.test("listeners get the events of their kind until they are removed", async (t) => {
	const interests: (string | null)[] = [];
	const emitter = new Emitter<Events>((kind) => interests.push(kind));
	const heard: unknown[] = [];
	const listener = (word: string) => heard.push(word);
	const [stop, stopToo] = [emitter.on("word", listener), emitter.on("word", listener)];
	emitter.on("number", (number) => heard.push(number));
	emitter.emit("word", "a");
	emitter.emit("number", 1);
	stop();
	stop();
	emitter.emit("word", "b");
	stopToo();
	emitter.emit("word", "c");
	t.same(heard, ["a", "a", 1, "b"]);
	t.same(interests, ["word", "word", "number"]);
});

t.test("an exception of a listener, at once or later, is only an error event", async (t) => {
	const emitter = new Emitter<Events>();
	const errors: string[] = [];
	const heard: string[] = [];
	emitter.on("word", () => {
		throw new Error("at once");
	});
	emitter.on("word", async () => {
		throw "later";
	});
	emitter.on("word", (word) => heard.push(word));
	emitter.on("error", ({ message }) => {
		errors.push(message);
		throw new Error("a listener to errors fails");
	});
	emitter.emit("word", "a");
	await new Promise(setImmediate);
	t.same(heard, ["a"]);
	t.same(errors.sort(), ["at once", "later"]);
});

t.test("iteration ends with the emitter, its signal, or `return`", async (t) => {
	const emitter = new Emitter<Events>();
	const stop = new AbortController();
	const [all, some, few] = [emitter.events(), emitter.events(stop.signal), emitter.events()];
	const first = all.next();
	emitter.emit("word", "a");
	t.same(await first, { value: { kind: "word", value: "a" }, done: false });
	emitter.emit("number", 2);
	stop.abort();
	emitter.emit("word", "b");
	for await (const event of few) {
		t.same(event, { kind: "word", value: "a" });
		break;
	}
	emitter.end();
	emitter.emit("word", "c");
	const rest = async (events: AsyncIterable<{ value: unknown }>) => {
		const values: unknown[] = [];
		for await (const { value } of events) values.push(value);
		return values;
	};
	t.same(await rest(all), [2, "b"]);
	t.same(await rest(some), ["a", 2], "what had come by then");
	t.same(await rest(few), []);
	t.same(await rest(emitter.events()), [], "there is nothing more");
	t.same(await rest(new Emitter<Events>().events(AbortSignal.abort())), []);
});

t.test("several pending reads get one event each", async (t) => {
	const emitter = new Emitter<Events>();
	const events = emitter.events();
	const reads = [events.next(), events.next(), events.next()];
	emitter.emit("number", 1);
	emitter.emit("number", 2);
	emitter.end();
	t.match(await Promise.all(reads), [{ value: { value: 1 } }, { value: { value: 2 } }, { done: true }]);
});

t.test("a pending read ends with the emitter", async (t) => {
	const emitter = new Emitter<Events>();
	const next = emitter.events().next();
	emitter.end();
	t.match(await next, { done: true });
});
