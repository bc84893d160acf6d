// Browses a site: `Browse.java PROXY CA BASE...`. Each base is `URL VERSION`; a proxy of `-` means none. Prints a line for each response.
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Browse {
	public static void main(String[] args) throws Exception {
		for (int i = 2; i < args.length; i++) {
			String[] target = args[i].split(" ");
			HttpClient.Builder builder = HttpClient.newBuilder().sslContext(trusting(args[1]));
			builder.version(target[1].equals("2") ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1);
			if (!args[0].equals("-")) {
				URI proxy = URI.create(args[0]);
				builder.proxy(ProxySelector.of(new InetSocketAddress(proxy.getHost(), proxy.getPort())));
			}
			browse(builder.build(), target[0]);
		}
		System.exit(0);
	}

	static SSLContext trusting(String ca) throws Exception {
		KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
		store.load(null, null);
		try (FileInputStream file = new FileInputStream(ca)) {
			store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
		}
		TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
		factory.init(store);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(null, factory.getTrustManagers(), null);
		return context;
	}

	static void browse(HttpClient client, String base) throws Exception {
		HttpResponse<byte[]> index = send(client, "index", HttpRequest.newBuilder(URI.create(base)).build());
		var names = Pattern.compile("(?:href|src)=\"([^\"]+)\"").matcher(new String(index.body()));
		while (names.find()) send(client, names.group(1), HttpRequest.newBuilder(URI.create(base + names.group(1))).build());
		HttpRequest.Builder form = HttpRequest.newBuilder(URI.create(base + "form")).header("Content-Type", "application/x-www-form-urlencoded");
		send(client, "form", form.POST(HttpRequest.BodyPublishers.ofString("a=1")).build());
		talk(client, base.replaceFirst("^http", "ws") + "talk");
		System.out.println("protocol " + index.version());
	}

	static HttpResponse<byte[]> send(HttpClient client, String name, HttpRequest request) throws Exception {
		HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
		byte[] hash = MessageDigest.getInstance("SHA-256").digest(response.body());
		System.out.println(name + " " + response.statusCode() + " " + HexFormat.of().formatHex(hash));
		return response;
	}

	static void talk(HttpClient client, String url) throws Exception {
		CompletableFuture<String> said = new CompletableFuture<>();
		WebSocket.Listener listener = new WebSocket.Listener() {
			final StringBuilder text = new StringBuilder();
			int count = 0;

			@Override
			public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
				text.append(data);
				if (last && ++count == 2) said.complete(text.toString());
				else if (last) text.append(",");
				socket.request(1);
				return null;
			}

			@Override
			public void onError(WebSocket socket, Throwable error) {
				said.completeExceptionally(error);
			}
		};
		WebSocket socket = client.newWebSocketBuilder().buildAsync(URI.create(url), listener).get(10, TimeUnit.SECONDS);
		socket.sendText("hello", true).get(10, TimeUnit.SECONDS);
		System.out.println("talk " + said.get(10, TimeUnit.SECONDS));
		socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(10, TimeUnit.SECONDS);
	}
}
