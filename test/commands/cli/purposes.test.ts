// Every option has one purpose, under which --help lists it.
import t from "tap";
import { COMMON, flagsOf, OWN } from "../../../commands/cli/options.ts";
import { briefGroups, byPurpose, purposes } from "../../../commands/cli/purposes.ts";
import type { Flag } from "../../../commands/cli/registry.ts";
import { loadAll } from "../../../commands/list.ts";

const flag = (name: string, title: string, word = name.replaceAll("_", "-")): Flag => ({
	name,
	flag: word,
	title,
	spec: { type: "boolean", default: false, help: "" },
});

t.test("each shared option is in exactly one list, and each name in a list is an option", async (t) => {
	const all = (await Promise.all((await loadAll()).map(flagsOf))).flat().filter(({ title }) => title !== COMMON);
	const names = new Set(all.map(({ name }) => name));
	const listed = Object.values(purposes).flat();
	t.same(
		all.filter(({ name, title }) => title !== OWN && !listed.includes(name)).map(({ name }) => name),
		[],
		"add a new shared option to the list of its purpose in commands/cli/purposes.ts",
	);
	t.same(
		listed.filter((name) => !names.has(name)),
		[],
	);
	t.same(listed, [...new Set(listed)]);
});

t.test("groups are in the order of the purposes, after options without a purpose", async (t) => {
	const groups = byPurpose([
		flag("json", OWN),
		flag("mode", "Proxy"),
		flag("odd", OWN),
		flag("to", OWN),
		flag("mark", "X"),
	]);
	t.same(
		groups.map(({ title, flags }) => [title, ...flags.map(({ name }) => name)]),
		[
			[OWN, "odd"],
			["How to send", "to"],
			["Where to listen", "mode"],
			["What is changed", "mark"],
			["Output", "json"],
		],
	);
});

t.test("a screen has most of the command's own options, and as many shared ones as fit", async (t) => {
	const shared = [flag("server_replay_extra", "F"), flag("map_local", "F"), flag("mode", "F"), flag("anticache", "F")];
	const titles = (flags: readonly Flag[]) =>
		briefGroups(flags).map(({ title, flags }) => [title, ...flags.map(({ name }) => name)]);
	t.same(titles([flag("json", OWN), flag("strict", OWN), ...shared]), [
		[OWN, "json"],
		["Often used", "mode", "map_local", "server_replay_extra"],
	]);
	t.same(titles([flag("server_replay_extra", "F", "extra"), flag("mode", "F")]), [
		["Often used", "server_replay_extra", "mode"],
	]);
	const many = Array.from({ length: 13 }, (_, n) => flag(`own_${n}`, OWN));
	t.same(titles([...many, ...shared])[1], ["Often used", "mode"]);
});
