// What was gathered is written soon, once, and trouble is told by who brings more.
import t from "tap";
import { Soon } from "../../formats/soon.ts";

t.test("once for all that came meanwhile, and never where nothing is in a hurry", async (t) => {
	let count = 0;
	const flushed = new Promise<void>((resolve) => {
		const soon = new Soon(async () => {
			count++;
			resolve();
		});
		for (let i = 0; i < 5; i++) soon.touch();
	});
	const keep = setInterval(() => {}, 1000);
	await flushed;
	clearInterval(keep);
	t.equal(count, 1);
	const never = new Soon(null);
	never.touch();
	await never.end(async () => {});
});

t.test("trouble", async (t) => {
	let told = (): void => {};
	const tried = new Promise<void>((resolve) => {
		told = resolve;
	});
	const soon = new Soon(async () => {
		told();
		throw new Error("no space");
	});
	soon.touch();
	const keep = setInterval(() => {}, 1000);
	await tried;
	clearInterval(keep);
	await new Promise((resolve) => setImmediate(resolve));
	t.throws(() => soon.touch(), { message: "no space" });
	soon.touch();
	soon.stop();
	await soon.end(async () => {});
});

t.test("the end is written although something before it was not", async (t) => {
	let told = (): void => {};
	const tried = new Promise<void>((resolve) => {
		told = resolve;
	});
	const soon = new Soon(async () => {
		told();
		throw new Error("no space");
	});
	soon.touch();
	const keep = setInterval(() => {}, 1000);
	await tried;
	clearInterval(keep);
	await new Promise((resolve) => setImmediate(resolve));
	let isClosed = false;
	await t.rejects(
		soon.end(async () => {
			isClosed = true;
		}),
		{ message: "no space" },
	);
	t.ok(isClosed);
});
