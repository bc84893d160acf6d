// The programs that ask for a URL: their words are sound, whether their runtime is here or not.
import t from "tap";
import { NOT_INSTALLED, probes } from "../../../commands/doctor/probes.ts";

t.test("each names its URL once", async (t) => {
	const url = "https://probe.doctor.invalid/";
	for (const { name, files = {}, args } of probes) {
		const said = [...args(url, "/folder"), ...Object.values(files).map((make) => make(url))].join("\n");
		t.equal(said.split(url).length, 2, name);
	}
	t.equal(new Set(probes.map(({ name }) => name)).size, probes.length);
	t.match(
		probes
			.find(({ name }) => name === "Python requests")
			?.args(url, "")
			.join(" "),
		`sys.exit(${NOT_INSTALLED})`,
	);
});
