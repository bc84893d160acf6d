// Passes items one by one to a consumer.
import t from "tap";
import { Channel } from "../../api/channel.ts";

t.test("items arrive in order, and `send` resolves when its item is taken", async (t) => {
	const channel = new Channel<number>();
	const log: string[] = [];
	const sent = [1, 2].map((number) => channel.send(number).then(() => log.push(`taken ${number}`)));
	await new Promise(setImmediate);
	t.same(log, []);
	setImmediate(() => {
		void channel.send(3);
		channel.close();
	});
	for await (const number of channel) {
		await new Promise(setImmediate);
		log.push(`got ${number}`);
	}
	await Promise.all(sent);
	t.same(log, ["taken 1", "got 1", "taken 2", "got 2", "got 3"]);
});

t.test("after `cancel`, `send` resolves at once", async (t) => {
	const channel = new Channel<number>();
	const waiting = channel.send(1);
	channel.cancel();
	await waiting;
	await channel.send(2);
	for await (const number of channel) t.fail(`${number}`);
});
