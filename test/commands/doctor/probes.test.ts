// The arguments of the probes are valid, whether or not their runtimes are installed.
import t from "tap";
import { NOT_INSTALLED, probes } from "../../../commands/doctor/probes.ts";

t.test("each probe has its URL once", async (t) => {
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
