// Finds versions in both notations, and rejects unknown ones.
import t from "tap";
import type { Value } from "../../../formats/mitm/tnetstring.ts";
import { VERSIONS, versionIndex } from "../../../formats/mitm/versions.ts";
import { Float } from "../../../src/flow/metadata.ts";

t.test("known versions", async (t) => {
	for (const [version, name] of [
		[[0, 10, 1], "0.10"],
		[[0, 18], "0.18"],
		[[3, 0, 0], "3.0"],
		[4, "4"],
		[21, "21"],
	] as const)
		t.equal(VERSIONS[versionIndex(version as Value)], name);
	t.equal(VERSIONS[0], "0.10");
	t.equal(VERSIONS.at(-1), "21");
});

t.test("newer versions", async (t) => {
	for (const version of [22, 99, 1e6])
		t.throws(() => versionIndex(version), {
			code: "FT_NEWER_FORMAT",
			message: new RegExp(`found .*version ${version}|to 21`),
		});
});

t.test("invalid versions", async (t) => {
	for (const version of [
		undefined,
		null,
		0,
		-1,
		3,
		1.5,
		"21",
		Buffer.from("21"),
		true,
		[21],
		[0, 9],
		[0, 20],
		[4, 0],
		[],
		[[1], 0],
		new Float(21),
		2n ** 70n,
		{ a: 1 },
	] as Value[])
		t.throws(
			() => versionIndex(version),
			{ code: "FT_CORRUPT_FLOW", message: /expected dump version 0\.10 to 21/ },
			String(JSON.stringify(version ?? null, (_, item) => (typeof item === "bigint" ? "big" : item))),
		);
	t.throws(() => versionIndex([0, 9, 2]), { message: /found a flow of dump version 0\.9\.2/ });
	t.throws(() => versionIndex(undefined), { message: /without a dump version/ });
});
