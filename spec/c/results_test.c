/* results_test.c - rows mean the same however they are written, and times agree with the C library
 */
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "dataset/verdicts/results.h"

enum { ROW_MAX = 1024, PADDING = 64 };

static uint32_t state = 1;

static uint32_t upto(uint32_t n) {
  state = (uint32_t)((uint64_t)state * 48271 % 2147483647);
  return state % n;
}

static const char *parse(const char *text, struct results_row *row) {
  static char buffer[ROW_MAX + PADDING];
  size_t at = 0, size = strlen(text);
  memset(buffer, 0, sizeof buffer);
  memcpy(buffer, text, size);
  return results_parse(buffer, size, row, NULL, &at);
}

static void append(char *text, const char *piece) {
  strcat(text, piece);
}

/* A random row, plain; right, or wrong in some way. */
static void random_row(char *text) {
  static const char *const ids[] = {
      "1",  "1265324480517361669", "9223372036854775807", "0", "x", "", "9223372036854775808",
      "007"};
  static const char *const actions[] = {"delete", "scrub_geo",    "rehydrate",
                                        "vanish", "geo_scrubbed", ""};
  static const char *const reasons[] = {"deleted", "suspended",    "protected",    "deactivated",
                                        "bounced", "scrub_geo",    "tweet_edited", "odd",
                                        "",        "\\u0064eleted"};
  static const char *const times[] = {"2021-08-17T17:26:15.788Z", "2021-02-21T18:01:36+00:00", "",
                                      "x"};
  const char *comma = "";
  strcpy(text, "{");
  for (int i = 0; i < 6; i++) {
    char member[128];
    switch (upto(7)) {
    case 0: sprintf(member, "\"id\":\"%s\"", ids[upto(8)]); break;
    case 1: sprintf(member, "\"action\":\"%s\"", actions[upto(6)]); break;
    case 2: sprintf(member, "\"reason\":\"%s\"", reasons[upto(10)]); break;
    case 3: sprintf(member, "\"redacted_at\":\"%s\"", times[upto(4)]); break;
    case 4: sprintf(member, "\"created_at\":\"%s\"", times[upto(4)]); break;
    case 5: sprintf(member, "\"error\":\"%s\"", reasons[upto(10)]); break;
    default: sprintf(member, "\"m%u\":\"\xc3\xa9 {}[],:\"", upto(9)); break;
    }
    append(text, comma);
    append(text, member);
    comma = ",";
  }
  append(text, upto(50) == 0 ? "" : "}");
}

/* The same row as the JSON parser reads it: a space makes it unusual. */
static void test_both_ways(void) {
  char text[ROW_MAX], spaced[ROW_MAX + 1];
  unsigned good = 0, bad = 0;
  for (int i = 0; i < 200000; i++) {
    struct results_row plain = {0}, json = {0};
    const char *one, *other;
    random_row(text);
    sprintf(spaced, "{ %s", text + 1);
    one = parse(text, &plain);
    other = parse(spaced, &json);
    if ((one == NULL) != (other == NULL) ||
        (!one && (plain.id != json.id || plain.fact != json.fact ||
                  plain.redacted_at != json.redacted_at))) {
      FAIL("both ways are the same");
      printf("  %s: %s, %s\n", text, one ? one : "right", other ? other : "right");
    }
    if (one)
      bad++;
    else
      good++;
  }
  CHECK(good > 1000 && bad > 1000);
}

static void test_times(void) {
  for (int i = 0; i < 200000; i++) {
    time_t when = (time_t)(((uint64_t)upto(65536) << 16 | upto(65536)) + 1);
    struct results_row row;
    struct tm parts;
    char text[ROW_MAX], time[32];
    gmtime_r(&when, &parts);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &parts);
    sprintf(text, "{\"id\":\"1\",\"action\":\"delete\",\"redacted_at\":\"%s%s\"}", time,
            upto(2) ? ".999Z" : "+00:00");
    if (parse(text, &row) || row.redacted_at != (uint32_t)when) {
      FAIL("times are right");
      printf("  %s\n", text);
    }
  }
  CHECK(true);
}

static void test_facts(void) {
  CHECK_TEXT("delete", fact_outcome(FACT_DELETED | FACT_UNKNOWN));
  CHECK_TEXT("unknown", fact_outcome(FACT_UNKNOWN | FACT_SCRUB_GEO));
  CHECK_TEXT("scrub_geo", fact_outcome(FACT_SCRUB_GEO | FACT_REHYDRATE));
  CHECK_TEXT("rehydrate", fact_outcome(FACT_REHYDRATE | FACT_INVALID));
  CHECK_TEXT("invalid", fact_outcome(FACT_INVALID));
  CHECK_TEXT("compliant", fact_outcome(0));
  CHECK_TEXT("deleted", fact_reason(FACT_DELETED | FACT_PROTECTED));
  CHECK(fact_reason(FACT_UNKNOWN) == NULL && fact_reason(0) == NULL);
  CHECK(fact_named("suspended") == FACT_SUSPENDED && fact_named("unknown") == 0);
}

int main(void) {
  test_both_ways();
  test_times();
  test_facts();
  return check_end();
}
