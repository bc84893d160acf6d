// mockttp, passing everything through. Arguments: port, file with the authority's key and certificate. MOCKTTP is the
// folder of the package.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [port, pem] = process.argv.slice(2);
const { getLocal } = createRequire(import.meta.url)(process.env.MOCKTTP);
const both = readFileSync(pem, "utf8");
const certificate = both.indexOf("-----BEGIN CERTIFICATE");
const server = getLocal({
	https: { key: both.slice(0, certificate), cert: both.slice(certificate) },
	recordTraffic: false,
});
await server.forUnmatchedRequest().thenPassThrough({ ignoreHostHttpsErrors: true });
await server.start(Number(port));
