import { useTape } from "flowtape/test/tap";
import t from "tap";
import { nextOrder } from "../src/client.mjs";

useTape();

t.test("numbers orders", async (t) => {
	const first = await nextOrder();
	t.equal(await nextOrder(), first + 1);
});
