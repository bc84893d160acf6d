// The messages of a route to its entrance, which is in another thread.
import type { Target } from "./target.ts";

/** `localPort`: the client's end of the connection. */
export type RouteMessage =
	| {
			readonly kind: "connected";
			readonly localPort: number;
			readonly target: Target;
			/** The scope in which the client connected; null: none. */
			readonly scope: string | null;
	  }
	/** The client has sent nothing for SILENCE_MS. */
	| { readonly kind: "silent"; readonly localPort: number }
	| { readonly kind: "closed"; readonly localPort: number };
