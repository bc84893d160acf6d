// The heads of all connections share a limit, but a small head is always accepted.
import t from "tap";
import { UnfinishedHead } from "../../../../src/proxy/connection/unfinished-heads.ts";

const MEBIBYTE = 1024 * 1024;

t.test("a head that grows beyond the common limit is refused until others are complete", async (t) => {
	const [one, two, small] = [new UnfinishedHead(), new UnfinishedHead(), new UnfinishedHead()];
	t.ok(one.resize(20 * MEBIBYTE));
	t.notOk(two.resize(20 * MEBIBYTE));
	t.ok(small.resize(8 * 1024));
	t.ok(two.resize(0));
	t.ok(two.resize(10 * MEBIBYTE));
	one.resize(0);
	t.ok(two.resize(20 * MEBIBYTE));
});
