// The heads of all connections share a limit, but a small head is always accepted.
import t from "tap";
import { HeldHeads } from "../../../../src/proxy/connection/held-heads.ts";

const MEBIBYTE = 1024 * 1024;

t.test("a head that grows beyond the common limit is refused until others are complete", async (t) => {
	const [one, two, small] = [new HeldHeads(), new HeldHeads(), new HeldHeads()];
	t.ok(one.resize(20 * MEBIBYTE));
	t.notOk(two.resize(20 * MEBIBYTE));
	t.ok(small.resize(8 * 1024));
	t.ok(two.resize(0));
	t.ok(two.resize(10 * MEBIBYTE));
	one.resize(0);
	t.ok(two.resize(20 * MEBIBYTE));
	for (const heads of [two, small]) heads.resize(0);
});

t.test("what is refused is not counted, and a connection may have a larger share", async (t) => {
	const [full, refused, shared] = [new HeldHeads(), new HeldHeads(), new HeldHeads(64 * 1024)];
	full.resize(32 * MEBIBYTE);
	t.notOk(refused.resize(64 * 1024));
	t.equal(refused.size, 0);
	t.ok(shared.resize(64 * 1024));
	t.notOk(shared.resize(65 * 1024));
	t.equal(shared.size, 64 * 1024);
	full.resize(0);
	t.ok(shared.resize(65 * 1024));
});
