// Moves the clock of Node processes.
import { execFileSync } from "node:child_process";
import t from "tap";
import { movedClock } from "../../../src/child/clock.ts";

const DAYS = 24 * 3600;
const plain = { PATH: process.env.PATH ?? "" };

t.test("every use of Date in Node", (t) => {
	const script = `
		class Own extends Date {}
		const then = Date.now();
		console.log(JSON.stringify([
			...[new Date(), new Own(), Reflect.construct(Date, [], Own), new Date(Date())].map((date) => Math.abs(date - then) < 5000),
			new Own() instanceof Own, new Date() instanceof Date, new Date(0).constructor === Date, Date.length, Date.name,
			new Date(0).toISOString(), new Date(2020, 0).getFullYear(), Date.UTC(1970, 0), Date.parse("1970-01-01T00:00:00Z"), then,
		]));`;
	const out = execFileSync(process.execPath, ["-e", script], { env: movedClock(plain, -100 * DAYS, null) }).toString();
	const found = JSON.parse(out) as unknown[];
	t.same(found.slice(0, -1), [
		true,
		true,
		true,
		true,
		true,
		true,
		true,
		7,
		"Date",
		"1970-01-01T00:00:00.000Z",
		2020,
		0,
		0,
	]);
	t.ok(Math.abs((found.at(-1) as number) - (Date.now() - 100 * DAYS * 1000)) < 60_000);
	t.end();
});

t.test("Date in the contexts of test runners", (t) => {
	const script = `
		import vm, { createContext, runInContext } from "node:vm";
		const own = createContext({ Date: { now: () => 5 } });
		const given = { a: 1 };
		const made = createContext(given);
		createContext(made);
		console.log(JSON.stringify([
			...[vm.runInNewContext("Date.now()"), runInContext("+new Date()", made), new vm.Script("Date.now()").runInNewContext()].map((ms) => ms - Date.now()),
			vm.runInNewContext("Date instanceof Function && new Date() instanceof Date && new Date().constructor === Date"),
			Object.keys(given), runInContext("Date.now()", own), vm.runInNewContext("a", given, "file.js"),
			vm.runInNewContext("try { eval('1') } catch (error) { error.name }", {}, { contextCodeGeneration: { strings: false } }),
		]));`;
	const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
		env: movedClock(plain, -100 * DAYS, null),
	}).toString();
	const found = JSON.parse(out) as unknown[];
	for (const difference of found.slice(0, 3)) t.ok(Math.abs(difference as number) < 5000, `${difference} ms apart`);
	t.same(found.slice(3), [true, ["a"], 5, 1, "EvalError"]);
	t.end();
});

t.test("a process whose clock is already moved stays unchanged", (t) => {
	const env = {
		...movedClock(plain, -100 * DAYS, null),
		FLOWTAPE_CLOCK_STARTED: String(Date.now() / 1000 + 100 * DAYS),
	};
	const now = Number(execFileSync(process.execPath, ["-e", "console.log(Date.now())"], { env }).toString());
	t.ok(Math.abs(now - Date.now()) < 60_000);
	t.end();
});
