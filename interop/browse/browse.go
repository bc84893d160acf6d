// Browses a site: `browse PROXY CA BASE…`. Each base is `URL VERSION`; a proxy of `-` means none. Prints a line for each response.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

func main() {
	proxy, ca := os.Args[1], os.Args[2]
	pem, err := os.ReadFile(ca)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, target := range os.Args[3:] {
		base, version, _ := strings.Cut(target, " ")
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: version == "2"}
		if version != "2" {
			transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		if proxy != "-" {
			to, err := url.Parse(proxy)
			check(err)
			transport.Proxy = http.ProxyURL(to)
		}
		browse(&http.Client{Transport: transport}, base)
	}
}

func browse(client *http.Client, base string) {
	index, protocol := get(client, "index", base)
	for _, match := range regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(index, -1) {
		get(client, match[1], base+match[1])
	}
	response, err := client.PostForm(base+"form", url.Values{"a": {"1"}})
	check(err)
	note("form", response)
	fmt.Println("protocol", protocol)
}

func get(client *http.Client, name, url string) (string, string) {
	response, err := client.Get(url)
	check(err)
	return note(name, response), response.Proto
}

func note(name string, response *http.Response) string {
	body, err := io.ReadAll(response.Body)
	check(err)
	response.Body.Close()
	fmt.Printf("%s %d %x\n", name, response.StatusCode, sha256.Sum256(body))
	return string(body)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
