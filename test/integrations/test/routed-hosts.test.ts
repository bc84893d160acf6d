// The option `passthrough`: hosts are told apart from filters.
import t from "tap";
import { routedHosts } from "../../../integrations/test/routed-hosts.ts";

t.test("hosts, with or without a port", async (t) => {
	const { routes, filters } = routedHosts({ passthrough: ["DB.example.test", "localhost:9200", "[::1]:80"] });
	t.same(filters, []);
	t.equal(routes("db.example.test", 5432), false);
	t.equal(routes("db.EXAMPLE.test", null), false, "all ports");
	t.equal(routes("localhost", 9200), false);
	t.equal(routes("localhost", 9201), true);
	t.equal(routes("localhost", null), true, "only one port passes");
	t.equal(routes("::1", 80), false);
	t.equal(routes("other.example.test", 80), true);
});

t.test("everything else is a filter", async (t) => {
	const passthrough = ["~d metrics.example.test", "~u /health | ~m HEAD", "(a)"];
	const { routes, filters } = routedHosts({ passthrough });
	t.same(filters, passthrough);
	t.equal(routes("metrics.example.test", 80), true, "the engine decides on its requests");
	t.same(routedHosts({}).filters, []);
});
