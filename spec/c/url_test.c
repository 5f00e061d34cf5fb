/* url_test.c - what of src/http is pure: URLs, signed URLs, addresses, Content-Range */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "check.h"
#include "http/address.h"
#include "http/content_range.h"
#include "http/signed_url.h"
#include "http/url.h"

static bool is_public(const char *text) {
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return address_is_public((void *)&v4);
  if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) return address_is_public((void *)&v6);
  printf("%s is no address\n", text);
  return false;
}

static void test_addresses(void) {
  static const char *const public[] = {
      "142.250.1.128", "9.255.255.255",     "11.0.0.0",        "100.63.255.255",
      "100.128.0.0",   "126.0.0.1",         "128.0.0.1",       "169.253.255.255",
      "169.255.0.0",   "172.15.255.255",    "172.32.0.0",      "192.0.1.1",
      "192.167.1.1",   "192.169.0.0",       "198.17.0.1",      "198.20.0.0",
      "223.255.255.1", "2a00:1450::1",      "2607:f8b0::2010", "::ffff:142.250.1.128",
      "2002:8efa:1::", "64:ff9b::8efa:180",
  };
  static const char *const special[] = {
      "0.0.0.0",
      "0.1.2.3",
      "10.0.0.1",
      "10.255.255.255",
      "100.64.0.1",
      "100.127.255.255",
      "127.0.0.1",
      "127.8.8.8",
      "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255",
      "192.0.0.1",
      "192.0.2.1",
      "192.168.0.1",
      "198.18.0.1",
      "198.19.255.255",
      "198.51.100.7",
      "203.0.113.7",
      "224.0.0.1",
      "240.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "::7f00:1",
      "::ffff:10.0.0.1",
      "64:ff9b::a00:1",
      "64:ff9b:1::1",
      "100::1",
      "2001:db8::1",
      "2002:a00:1::",
      "fc00::1",
      "fdff::1",
      "fe80::1",
      "febf::1",
      "fec0::1",
      "ff02::1",
      "::ffff:127.0.0.1",
      "5f00::1",
  };
  struct sockaddr other = {.sa_family = AF_UNIX};
  for (size_t i = 0; i < sizeof public / sizeof *public; i++)
    if (!CHECK(is_public(public[i]))) printf("  %s\n", public[i]);
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    if (!CHECK(!is_public(special[i]))) printf("  %s\n", special[i]);
  CHECK(!address_is_public(&other));
}

static void test_content_range(void) {
  static const char *const malformed[] = {
      "",
      "bytes",
      "bytes ",
      "bytes 0",
      "bytes 0-",
      "bytes 0-1",
      "bytes 0-1/",
      "bytes -1-2/3",
      "bytes +1-2/3",
      "bytes  1-2/3",
      "bytes 1 -2/3",
      "bytes 1-2 /3",
      "bytes 1-2/3 ",
      "bytes 1-2/-3",
      "bytes 2-1/3",
      "bytes 1-3/3",
      "bytes 0-0/0",
      "bytes 0x1-2/3",
      "bytes 1-2/**",
      "bytes */3",
      "bytes=1-2/3",
      "items 1-2/3",
      "bytes 1-2/3, bytes 1-2/3",
      "bytes 9223372036854775808-9223372036854775808/*",
      "bytes 18446744073709551616-18446744073709551617/*",
      "bytes 0-1/18446744073709551615",
      "bytes 0-99999999999999999999999999999999999999/*",
  };
  struct content_range range;
  CHECK(content_range_read("bytes 5-9/10", &range));
  CHECK(range.first == 5 && range.last == 9 && range.total == 10);
  CHECK(content_range_read("Bytes 0-0/*", &range));
  CHECK(range.first == 0 && range.last == 0 && range.total == 0);
  CHECK(content_range_read("bytes 9223372036854775806-9223372036854775806/9223372036854775807",
                           &range));
  CHECK(range.first == INT64_MAX - 1 && range.total == INT64_MAX);
  CHECK(content_range_read("bytes 9223372036854775807-9223372036854775807/*", &range));
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    if (!CHECK(!content_range_read(malformed[i], &range))) printf("  %s\n", malformed[i]);
}

static void test_masking(void) {
  char masked[64];
  /* a buffer that is too small is filled to its end and no further, and ends in no half secret */
  for (size_t size = 1; size < sizeof masked; size++) {
    memset(masked, '!', sizeof masked);
    url_mask("x X-Goog-Signature=0123456789abcdef&y t0ken", 43, "t0ken", masked, size);
    CHECK(strlen(masked) < size);
    CHECK(!strstr(masked, "0123") && !strstr(masked, "t0"));
    CHECK(size == sizeof masked - 1 || masked[size] == '!');
  }
  CHECK_TEXT("x X-Goog-Signature=***&y ***", masked);
  url_mask("a\0b", 3, NULL, masked, sizeof masked);
  CHECK_TEXT("a b", masked);
  url_mask("%", 1, "%", masked, sizeof masked);
  CHECK_TEXT("***", masked);
  url_mask("%2", 2, "%2F", masked, sizeof masked);
  CHECK_TEXT("%2", masked);
  url_mask("abc", 3, "", masked, sizeof masked);
  CHECK_TEXT("abc", masked);
}

static void test_showing(void) {
  char shown[64];
  url_show("https://user:word@host:443/path?query#fragment", shown, sizeof shown);
  CHECK_TEXT("https://host:443/path", shown);
  url_show("https://host/\n\x80\x1b", shown, sizeof shown);
  CHECK_TEXT("https://host/???", shown);
  url_show("https://a-host-whose-name-does-not-fit.example/", shown, 12);
  CHECK_TEXT("https://a-h", shown);
  url_show("", shown, sizeof shown);
  CHECK_TEXT("", shown);
}

static void test_checks(void) {
  struct error error;
  const char *const hosts[] = {"storage.example:9000", NULL};
  CHECK(url_check_api("https://api.x.com", false, &error));
  CHECK(!url_check_api("http://api.x.com", false, &error) && error.code == ERROR_USAGE);
  CHECK(url_check_api("http://api.x.com", true, &error));
  CHECK(url_check_storage("https://a.storage.googleapis.com/x?y", NULL, false, &error));
  CHECK(url_check_storage("https://storage.example:9000/", hosts, false, &error));
  CHECK(!url_check_storage("https://storage.example/", hosts, false, &error) &&
        error.code == ERROR_PROTOCOL);
  CHECK(url_is_loopback("http://127.255.255.255") && url_is_loopback("http://[::1]:1/"));
  CHECK(!url_is_loopback("http://128.0.0.1") && !url_is_loopback("http://127.0.0.1.example"));
}

static void test_signed_urls(void) {
  struct signed_url read;
  char long_url[4096] = "https://h/?X-Goog-SignedHeaders=";
  signed_url_read("https://h/?x-goog-date=20211007T075618Z&X-Goog-Expires=900", &read);
  CHECK(read.signed_at == 1633593378 && read.expires_at == 1633594278 && read.headers_count == 0);
  signed_url_read("https://h/?X-Goog-Date=20211007T075618Zx&X-Goog-Expires=900", &read);
  CHECK(read.signed_at == 0 && read.expires_at == 0);
  signed_url_read("https://h/?X-Goog-SignedHeaders=%", &read);
  signed_url_read("https://h/?X-Goog-SignedHeaders=%4", &read);
  signed_url_read("https://h/?X-Goog-Date", &read);
  CHECK(read.signed_at == 0);
  for (int i = 0; i < 1000; i++)
    strcat(long_url, "h;");
  signed_url_read(long_url, &read);
  CHECK(read.headers_count == SIGNED_HEADERS_MAX);
  CHECK_TEXT("h", read.headers[SIGNED_HEADERS_MAX - 1]);
}

int main(void) {
  test_addresses();
  test_content_range();
  test_masking();
  test_showing();
  test_checks();
  test_signed_urls();
  return check_end();
}
