// Lookups of several clients: those of one client do not delay those of the others.
import type { LookupFunction } from "node:net";
import t from "tap";
import { Lookups } from "../../../../src/proxy/upstream/lookups.ts";

/** Lookups that end when the test ends them. */
function system() {
	const started = new Map<string, () => void>();
	const lookup: LookupFunction = (name, _options, done) => {
		started.set(name, () => {
			started.delete(name);
			done(null, "192.0.2.1", 4);
		});
	};
	const lookups = new Lookups(lookup);
	const found: string[] = [];
	return {
		running: () => [...started.keys()],
		end: (name: string) => started.get(name)?.(),
		found,
		ask: (client: string, name: string, isWanted = () => true) =>
			lookups.for(client, isWanted)(name, { all: false }, () => void found.push(`${client} ${name}`)),
	};
}

t.test("the only client uses both slots", async (t) => {
	const { ask, running, end } = system();
	for (const name of ["a.test", "b.test", "c.test"]) ask("1", name);
	t.same(running(), ["a.test", "b.test"]);
	end("a.test");
	t.same(running(), ["b.test", "c.test"]);
});

t.test("one of several clients, with a thousand names that hang, leaves a slot to the others", async (t) => {
	const { ask, running, end, found } = system();
	ask("honest", "a.test");
	end("a.test");
	for (let i = 0; i < 1000; i++) ask("hostile", `n${i}.test`);
	t.same(running(), ["n0.test"]);
	ask("honest", "b.test");
	ask("honest", "c.test");
	t.same(running(), ["n0.test", "b.test"]);
	end("b.test");
	t.same(running(), ["n0.test", "c.test"]);
	end("c.test");
	t.same(found, ["honest a.test", "honest b.test", "honest c.test"]);
});

t.test("clients take turns", async (t) => {
	const { ask, running, end } = system();
	ask("0", "first.test");
	end("first.test");
	for (const client of ["1", "2", "3"]) for (const name of ["a", "b", "c"]) ask(client, `${name}${client}.test`);
	const order: string[] = [];
	for (let [next] = running(); next !== undefined; [next] = running()) {
		order.push(next);
		end(next);
	}
	t.equal(order.length, 9);
	t.ok(order.indexOf("a3.test") < order.indexOf("c1.test"), order.join(" "));
});

t.test("a lookup whose result is not needed any more never starts", async (t) => {
	const { ask, running, end, found } = system();
	let isWanted = true;
	for (let i = 0; i < 1000; i++) ask("1", `n${i}.test`, () => isWanted);
	ask("1", "last.test");
	isWanted = false;
	end("n0.test");
	t.same(running(), ["n1.test", "last.test"]);
	end("last.test");
	t.same(found, ["1 n0.test", "1 last.test"]);
	t.same(running(), ["n1.test"]);
});

t.test("equal names are looked up once, and names that were found use both slots", async (t) => {
	const { ask, running, end, found } = system();
	ask("1", "a.test");
	ask("2", "a.test");
	ask("1", "a.test");
	t.same(running(), ["a.test"]);
	end("a.test");
	t.same(found, ["1 a.test", "2 a.test", "1 a.test"]);
	ask("1", "hangs.test");
	ask("1", "new.test");
	t.same(running(), ["hangs.test"]);
	ask("1", "a.test");
	t.same(running(), ["hangs.test", "a.test"]);
	end("a.test");
	ask("1", "localhost");
	t.same(running(), ["hangs.test", "localhost"]);
});
