/* url_test.c - the pure parts of src/http: URLs, signed URLs, addresses, Content-Range */
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
  /* a buffer that is too small is filled to its end, without a part of a secret */
  for (size_t size = 1; size < sizeof masked; size++) {
    memset(masked, '!', sizeof masked);
    url_mask("x X-Goog-Signature=0123456789abcdef&y t0ken", 43, "t0ken", masked, size);
    CHECK(strlen(masked) < size);
    CHECK(!strstr(masked, "0123") && !strstr(masked, "t0"));
    CHECK(size == sizeof masked - 1 || masked[size] == '!');
  }
  CHECK_TEXT("x X-Goog-Signature=***&y ***", masked);
  url_mask("/12/upload?token=a%3Db&Token%3Dc ", 32, NULL, masked, sizeof masked);
  CHECK_TEXT("/12/upload?token=***&Token%3D***", masked);
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

static const char UPLOAD[] = "https://api.x.com/2/compliance/jobs/12/upload?token=abc";

static enum url_flow flow(const char *url, const char *base, const char *job_id) {
  static const char *const hosts[] = {"storage.example", NULL};
  struct url_rules rules = {
      .base_url = base, .operation = "upload", .job_id = job_id, .hosts = hosts, .loopback = true};
  struct error error;
  return url_flow(url, &rules, &error);
}

/* The flow of a URL that replaces one part of a good one by another; api.x.com is the API. */
static enum url_flow flow_with(const char *part, const char *other) {
  char url[600];
  const char *at = strstr(UPLOAD, part);
  snprintf(url, sizeof url, "%.*s%s%s", (int)(at - UPLOAD), UPLOAD, other, at + strlen(part));
  return flow(url, "https://api.x.com", "12");
}

static void test_byte_paths(void) {
  static const char *const good[][2] = {
      {"https", "HTTPS"},
      {"api.x.com", "API.X.com"},
      {"api.x.com", "api.x.com:443"},
      {"api.x.com", "api.twitter.com"},
      {"?", "?compliance_job.fields=id&"},
      {"abc", "abc&tokens=1&atoken=2&token.x=3"},
      {"abc", "a%3Db%26c"},
      {"abc", "a?/:@b"},
  };
  static const char *const bad[][2] = {
      {"https", "http"},
      {"https", "ftp"},
      {"api.x.com", "evil.example"},
      {"api.x.com", "api.x.com.evil.example"},
      {"api.x.com", "evil.api.x.com"},
      {"api.x.com", "evilapi.x.com"},
      {"api.x.com", "x.com"},
      {"api.x.com", "api.x.com."},
      {"api.x.com", "api.x.com:444"},
      {"api.x.com", "api.x.com:80"},
      {"api.x.com", "api.x.com@evil.example"},
      {"api.x.com", "evil.example@api.x.com"},
      {"api.x.com", "user:word@api.x.com"},
      {"api.x.com", "@api.x.com"},
      {"api.x.com", "api.x.com\\@evil.example"},
      {"api.x.com", "evil.example\\@api.x.com"},
      {"api.x.com", "evil.example#@api.x.com"},
      {"api.x.com", "evil.example?@api.x.com"},
      {"api.x.com", "api%2ex.com"},
      {"api.x.com", "api.x.com%00.evil.example"},
      {"api.x.com", "api.x.com\t"},
      {"api.x.com", "\tapi.x.com"},
      {"api.x.com", "api.x.com "},
      {"api.x.com", "api\xe3\x80\x82x\xe3\x80\x82"
                    "com"},
      {"api.x.com", "storage.example"}, /* in the allow-list, but never with the token */
      {"api.x.com", "storage.googleapis.com"},
      {"https://", "https:/"},
      {"https://", "https:///"},
      {"https://", "https:\\\\"},
      {"https://", "https:"},
      {"https://", "//"},
      {"https://", " https://"},
      {"/2/", "//2/"},
      {"/2/", "/./2/"},
      {"/2/", "/x/../2/"},
      {"/2/", "/2/../2/"},
      {"/2/", "/1.1/"},
      {"/2/", "/%32/"},
      {"/2/", "\\2\\"},
      {"/2/", "/x/2/"},
      {"compliance", "Compliance"},
      {"compliance/", "compliance//"},
      {"compliance/", "compliance%2F"},
      {"jobs/12", "jobs/12%2F"},
      {"jobs/12", "jobs/13"},
      {"jobs/12", "jobs/012"},
      {"jobs/12", "jobs/1%32"},
      {"jobs/12", "jobs/12/.."},
      {"jobs/12", "jobs/12/../12"},
      {"jobs/12", "jobs/12;x"},
      {"jobs/12", "jobs/"},
      {"jobs/12", "jobs"},
      {"jobs/12", "jobs/-12"},
      {"jobs/12", "jobs/+12"},
      {"jobs/12", "jobs/12a"},
      {"upload", "download"},
      {"upload", "Upload"},
      {"upload", "upload/"},
      {"upload", "uploads"},
      {"upload", "uploa"},
      {"upload", "upload;x=1"},
      {"upload", "upload%3F"},
      {"upload", "upload/../download"},
      {"upload", ""},
      {"?token=abc", ""},
      {"?token=abc", "?"},
      {"?token=abc", "?tokens=abc"},
      {"?token=abc", "#?token=abc"},
      {"?token=abc", ";token=abc"},
      {"?token=abc", "&token=abc"},
      {"?token=abc", "??token=abc"},
      {"token=abc", "token"},
      {"token=abc", "token="},
      {"token=abc", "token=&x=1"},
      {"token=abc", "Token=abc"},
      {"token=abc", "tok%65n=abc"},
      {"token=abc", "x=1;token"},
      {"abc", "abc&token=def"},
      {"abc", "abc&token="},
      {"abc", "abc&token"},
      {"abc", "abc&TOKEN=def"},
      {"abc", "abc;token=def"},
      {"abc", "abc&tok%65n=def"},
      {"abc", "abc&tok%2565n=def"},
      {"abc", "abc#"},
      {"abc", "abc#x"},
      {"abc", "abc def"},
      {"abc", "abc\tdef"},
      {"abc", "abc\r\nX: y"},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!CHECK(flow_with(good[i][0], good[i][1]) == URL_API)) printf("  %s\n", good[i][1]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (!CHECK(flow_with(bad[i][0], bad[i][1]) != URL_API))
      printf("  %s for %s\n", bad[i][1], bad[i][0]);
}

static void test_flows(void) {
  static const char loopback[] = "http://127.0.0.1:80/2/compliance/jobs/12/upload?token=abc";
  CHECK(flow(UPLOAD, "https://api.x.com", NULL) == URL_API);
  CHECK(flow(UPLOAD, "https://api.x.com/", "12") == URL_API);
  CHECK(flow(UPLOAD, "https://api.twitter.com", "12") == URL_API);
  CHECK(flow(UPLOAD, "https://api.x.com:443", "12") == URL_API);
  CHECK(flow(UPLOAD, "https://api.x.com:8443", "12") == URL_REFUSED);
  CHECK(flow(UPLOAD, "https://api.x.com.evil.example", "12") == URL_REFUSED);
  CHECK(flow(UPLOAD, "https://gateway.example", "12") == URL_REFUSED);
  CHECK(flow(UPLOAD, "http://127.0.0.1", "12") == URL_REFUSED);
  CHECK(flow(UPLOAD, "https://api.x.com", "1") == URL_REFUSED);
  CHECK(flow(UPLOAD, "https://api.x.com", "") == URL_REFUSED);
  CHECK(flow(loopback, "http://127.0.0.1", "12") == URL_API);
  CHECK(flow(loopback, "http://127.0.0.1:80", "12") == URL_API);
  /* a loopback storage may be anywhere, but nothing below the API's own path is storage */
  CHECK(flow(loopback, "http://127.0.0.1:81", "12") == URL_STORAGE);
  CHECK(flow(loopback, "http://localhost", "12") == URL_STORAGE);
  CHECK(flow(loopback, "https://127.0.0.1:80", "12") == URL_STORAGE);
  CHECK(flow(loopback, "http://127.0.0.1", "13") == URL_REFUSED);
  CHECK(flow("http://127.0.0.1/2/x", "http://127.0.0.1", "12") == URL_REFUSED);
  CHECK(flow("http://127.0.0.1/bucket/12", "http://127.0.0.1", "12") == URL_STORAGE);
  CHECK(flow("https://storage.example/2/x", "https://api.x.com", "12") == URL_STORAGE);
  CHECK(flow("https://storage.googleapis.com/x", "https://api.x.com", "12") == URL_STORAGE);
  for (int digits = 1; digits <= 21; digits++) {
    char url[128];
    snprintf(url, sizeof url, "https://api.x.com/2/compliance/jobs/%.*s/upload?token=a", digits,
             "999999999999999999999");
    CHECK((flow(url, "https://api.x.com", NULL) == URL_API) == (digits <= 19));
  }
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
  test_byte_paths();
  test_flows();
  test_signed_urls();
  return check_end();
}
