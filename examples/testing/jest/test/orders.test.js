const { useTape } = require("flowtape/test/jest");
const { nextOrder } = require("../src/client.js");

useTape();

test("numbers orders", async () => {
	const first = await nextOrder();
	expect(await nextOrder()).toBe(first + 1);
});
