/* generate.c - data for the benchmarks, the same from the same seed everywhere
 *
 *   generate ids|tweets|pages|v1|csv COUNT [SEED] > FILE
 *   generate tweet-results|user-results COUNT SEED RECORDS PER_MILLE > FILE
 *
 * ids     lines of 17 to 19 digits in random order, one in five a duplicate
 * tweets  flattened v2 tweets as twarc writes them, one on each line: members in the usual order or
 *         shuffled, with and without spaces, text escaped or not, whole tweets nested in most
 * pages   v2 response pages of 100 tweets, with their includes
 * v1      v1.1 tweets with retweets and quotes in them
 * csv     v2 tweets in 61 columns, with quoted cells that hold separators and line ends
 *
 * tweet-results, user-results
 *         rows of results: PER_MILLE of 1,000 of the tweets of RECORDS records (or of their
 *         authors) are among them; the other rows are about ids that are in no record
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static uint64_t draw(void) {
  return mix(state += 0x9e3779b97f4a7c15u);
}

static uint64_t below(uint64_t limit) {
  return draw() % limit;
}

static bool chance(unsigned percent) {
  return below(100) < percent;
}

/* How the record that is being written looks. */
static bool spaced, escaped;

static void put(const char *text) {
  fputs(text, stdout);
}

static void separate(bool first) {
  if (!first) put(spaced ? ", " : ",");
}

static void key(const char *name) {
  printf(spaced ? "\"%s\": " : "\"%s\":", name);
}

static void string(const char *name, const char *value) {
  key(name);
  printf("\"%s\"", value);
}

static void number(const char *name, uint64_t value) {
  key(name);
  printf("%llu", (unsigned long long)value);
}

static uint64_t tweet_id(uint64_t k) {
  uint64_t x = mix(k * 2 + 1);
  switch (x % 20) {
  case 0: return 10000000000000000u + x / 20 % 90000000000000000u;
  case 1:
  case 2:
  case 3: return 100000000000000000u + x / 20 % 900000000000000000u;
  default: return 1000000000000000000u + x / 20 % 800000000000000000u;
  }
}

static uint64_t user_id(uint64_t k) {
  uint64_t x = mix(k * 2 + 2);
  return x % 3 ? 1000000 + x / 3 % 4000000000u : 700000000000000000u + x / 3 % 900000000000000000u;
}

static void id(const char *name, uint64_t value) {
  key(name);
  printf("\"%llu\"", (unsigned long long)value);
}

static void words(unsigned count) {
  static const char *const plain[] = {"the",    "data",  "of",    "a",       "quite", "ordinary",
                                      "tweet",  "about", "today", "weather", "and",   "politics",
                                      "people", "say",   "that",  "nothing", "lasts", "for"};
  for (unsigned i = 0; i < count; i++) {
    if (i > 0) putchar(' ');
    if (escaped && chance(50))
      for (unsigned j = 2 + (unsigned)below(7); j > 0; j--)
        printf("\\u%04x", 0x430 + (unsigned)below(32));
    else
      put(plain[below(sizeof plain / sizeof *plain)]);
  }
}

static void text_member(const char *name) {
  key(name);
  putchar('"');
  words(8 + (unsigned)below(14));
  if (chance(1)) put(" {\\\"id\\\":\\\"123\\\"}");
  if (chance(30)) put("\\n\\nhttps:\\/\\/t.co\\/AbCdEfGhIj");
  putchar('"');
}

static void time_member(const char *name) {
  key(name);
  printf("\"20%02u-%02u-%02uT%02u:%02u:%02u.000Z\"", 10 + (unsigned)below(14),
         1 + (unsigned)below(12), 1 + (unsigned)below(28), (unsigned)below(24), (unsigned)below(60),
         (unsigned)below(60));
}

static void metrics(const char *name, const char *const *names, int count) {
  key(name);
  putchar('{');
  for (int i = 0; i < count; i++) {
    separate(i == 0);
    number(names[i], below(chance(80) ? 10 : 5000));
  }
  putchar('}');
}

static void user_object(uint64_t k, bool v1) {
  static const char *const counts[] = {"followers_count", "following_count", "tweet_count",
                                       "listed_count"};
  putchar('{');
  if (v1) {
    number("id", user_id(k));
    separate(false);
    id("id_str", user_id(k));
  } else {
    id("id", user_id(k));
  }
  separate(false);
  string(v1 ? "screen_name" : "username", "somebody_there");
  separate(false);
  string("name", "Some Body");
  separate(false);
  text_member("description");
  separate(false);
  string("profile_image_url", "https://pbs.twimg.com/profile_images/1/x_normal.jpg");
  separate(false);
  key("verified");
  put(chance(10) ? "true" : "false");
  separate(false);
  time_member("created_at");
  separate(false);
  metrics("public_metrics", counts, 4);
  putchar('}');
}

static void span(unsigned start) {
  number("start", start);
  separate(false);
  number("end", start + 5);
  separate(false);
}

static void entities(bool v1) {
  key("entities");
  put("{");
  key("hashtags");
  putchar('[');
  for (unsigned i = 0, n = (unsigned)below(3); i < n; i++) {
    separate(i == 0);
    putchar('{');
    span(10 * i);
    string("tag", "something");
    putchar('}');
  }
  putchar(']');
  separate(false);
  key(v1 ? "user_mentions" : "mentions");
  putchar('[');
  for (unsigned i = 0, n = (unsigned)below(3); i < n; i++) {
    separate(i == 0);
    putchar('{');
    span(20 * i);
    string(v1 ? "screen_name" : "username", "mentioned");
    separate(false);
    id(v1 ? "id_str" : "id", user_id(below(1000000)));
    putchar('}');
  }
  putchar(']');
  putchar('}');
}

static void annotations(void) {
  key("context_annotations");
  putchar('[');
  for (unsigned i = 0, n = (unsigned)below(4); i < n; i++) {
    separate(i == 0);
    putchar('{');
    key("domain");
    putchar('{');
    id("id", 10 + below(200));
    separate(false);
    string("name", "Person");
    separate(false);
    string("description", "Named people in the world like Nelson Mandela");
    put("}");
    separate(false);
    key("entity");
    putchar('{');
    id("id", 800000000000000000u + below(1000000));
    separate(false);
    string("name", "An Entity");
    put("}}");
  }
  putchar(']');
}

static void tweet_object(uint64_t k, bool flat, int depth);

static void references(uint64_t k, bool flat, int depth) {
  static const char *const types[] = {"retweeted", "quoted", "replied_to"};
  uint64_t other = mix(k) % (k + 1);
  key("referenced_tweets");
  put("[{");
  string("type", types[below(3)]);
  separate(false);
  if (flat && depth == 0 && chance(85)) {
    tweet_object(other, true, 1); /* continues within the same braces */
  } else {
    id("id", tweet_id(other));
    putchar('}');
  }
  putchar(']');
}

static void geo(void) {
  key("geo");
  putchar('{');
  string("place_id", "07d9db48bc083000");
  putchar('}');
}

static void attachments(void) {
  key("attachments");
  putchar('{');
  key("media_keys");
  put("[\"3_1558552952549277696\"]}");
}

enum { MEMBERS = 16 };

static void tweet_member(int member, uint64_t k, bool flat, int depth) {
  static const char *const counts[] = {"retweet_count", "reply_count", "like_count", "quote_count"};
  switch (member) {
  case 0: id("id", tweet_id(k)); break;
  case 1: text_member("text"); break;
  case 2: id("author_id", user_id(k / 3)); break;
  case 3: time_member("created_at"); break;
  case 4: id("conversation_id", tweet_id(k / 2)); break;
  case 5: string("lang", escaped ? "ru" : "en"); break;
  case 6: string("source", "Twitter for Android"); break;
  case 7: string("reply_settings", "everyone"); break;
  case 8: metrics("public_metrics", counts, 4); break;
  case 9: entities(false); break;
  case 10: annotations(); break;
  case 11: references(k, flat, depth); break;
  case 12: geo(); break;
  case 13: attachments(); break;
  case 14:
    key("author");
    user_object(k / 3, false);
    break;
  default:
    key("edit_history_tweet_ids");
    printf("[\"%llu\"]", (unsigned long long)tweet_id(k));
    break;
  }
}

/* The members of a tweet and its closing brace; the opening one has been written. */
static void tweet_object(uint64_t k, bool flat, int depth) {
  int order[MEMBERS], count = 0;
  for (int i = 0; i < MEMBERS; i++) {
    bool there = true;
    if (i == 11) there = depth == 0 && chance(82);
    if (i == 12) there = chance(10);
    if (i == 13) there = chance(20);
    if (i == 14) there = flat;
    if (there) order[count++] = i;
  }
  if (k % 3)
    for (int i = count - 1; i > 0; i--) {
      int j = (int)below((uint64_t)i + 1), swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
  for (int i = 0; i < count; i++) {
    separate(i == 0);
    tweet_member(order[i], k, flat, depth);
  }
  if (flat && depth == 0) {
    separate(false);
    key("__twarc");
    putchar('{');
    string("url", "https://api.twitter.com/2/tweets/search/all?query=x");
    separate(false);
    string("version", "2.13.0");
    putchar('}');
  }
  putchar('}');
}

static void look(void) {
  spaced = chance(50);
  escaped = chance(50);
}

static void tweets(uint64_t count) {
  for (uint64_t k = 0; k < count; k++) {
    look();
    putchar('{');
    tweet_object(k, true, 0);
    putchar('\n');
  }
}

static void pages(uint64_t count) {
  for (uint64_t page = 0; page < count; page++) {
    look();
    put("{\"data\":[");
    for (uint64_t i = 0; i < 100; i++) {
      separate(i == 0);
      putchar('{');
      tweet_object(page * 100 + i, false, 0);
    }
    put("],\"includes\":{\"users\":[");
    for (uint64_t i = 0; i < 60; i++) {
      separate(i == 0);
      user_object(page * 60 + i, false);
    }
    put("],\"tweets\":[");
    for (uint64_t i = 0; i < 50; i++) {
      separate(i == 0);
      putchar('{');
      tweet_object(mix(page * 50 + i) % (page * 100 + 1), false, 1);
    }
    put("]},\"meta\":{\"result_count\":100,\"newest_id\":\"1\"}}\n");
  }
}

static void v1_object(uint64_t k, int depth) {
  putchar('{');
  time_member("created_at");
  separate(false);
  number("id", tweet_id(k));
  separate(false);
  id("id_str", tweet_id(k));
  separate(false);
  text_member("full_text");
  separate(false);
  key("truncated");
  put("false");
  separate(false);
  entities(true);
  separate(false);
  string("source", "<a href=\\\"http:\\/\\/twitter.com\\\" rel=\\\"nofollow\\\">Twitter<\\/a>");
  separate(false);
  key("in_reply_to_status_id");
  put("null");
  separate(false);
  key("user");
  user_object(k / 3, true);
  separate(false);
  key("coordinates");
  put("null");
  if (depth < 2 && chance(50)) {
    separate(false);
    key(depth == 0 ? "retweeted_status" : "quoted_status");
    v1_object(mix(k) % (k + 1), depth + 1);
  }
  separate(false);
  number("retweet_count", below(1000));
  separate(false);
  string("lang", "en");
  putchar('}');
}

static void v1(uint64_t count) {
  for (uint64_t k = 0; k < count; k++) {
    look();
    v1_object(k, 0);
    putchar('\n');
  }
}

static void csv(uint64_t count) {
  put("created_at,text,id,author_id,conversation_id,lang,author.name,entities.mentions");
  for (int i = 0; i < 53; i++)
    printf(",column.%d", i);
  putchar('\n');
  escaped = false;
  for (uint64_t k = 0; k < count; k++) {
    put("2021-04-08T19:34:16.000Z,\"");
    words(10 + (unsigned)below(12));
    if (chance(30)) put("\n\nsaid \"\"somebody\"\", and left");
    printf("\",%llu,%llu,%llu,en,Some Body,\"[{\"\"start\"\": 3, \"\"id\"\": \"\"%llu\"\"}]\"",
           (unsigned long long)tweet_id(k), (unsigned long long)user_id(k / 3),
           (unsigned long long)tweet_id(k / 2), (unsigned long long)user_id(k));
    for (int i = 0; i < 53; i++) {
      putchar(',');
      if (chance(5))
        put("\"a name, quoted\"");
      else if (chance(40))
        printf("%llu", (unsigned long long)below(100000));
    }
    putchar('\n');
  }
}

static void ids(uint64_t count) {
  uint64_t fresh = 0;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t k = fresh > 0 && chance(20) ? below(fresh) : fresh++;
    printf("%llu\n", (unsigned long long)tweet_id(k));
  }
}

static void row(uint64_t id, bool user) {
  static const char *const reasons[] = {"deleted", "suspended", "protected", "deactivated",
                                        "bounced"};
  bool scrub = !user && chance(3);
  printf("{\"id\":\"%llu\",\"action\":\"delete\",", (unsigned long long)id);
  time_member("created_at");
  if (chance(50)) {
    putchar(',');
    time_member("redacted_at");
  }
  printf(",\"reason\":\"%s\"}\n", scrub ? "scrub_geo" : reasons[below(user ? 4 : 5)]);
}

/* Ids of the same kinds as those of the records, but other ones: user ids are as short as six
 * digits, where those of the records begin at seven, or lie above all short ones there. */
static uint64_t strange_user(void) {
  switch (below(30)) {
  case 0: return 100000 + below(900000);
  case 1:
  case 2:
  case 3:
  case 4:
  case 5:
  case 6:
  case 7:
  case 8:
  case 9: return 4100000000u + below(5000000000u);
  default: return 1600000000000000000u + below(100000000000000000u);
  }
}

static void results(uint64_t count, uint64_t records, uint64_t per_mille, bool user) {
  uint64_t hits = 0, known = user ? records / 3 + 1 : records;
  for (uint64_t k = 0; k < known; k++) {
    if (below(1000) >= per_mille) continue;
    row(user ? user_id(k) : tweet_id(k), user);
    hits++;
  }
  for (; hits < count; hits++)
    row(user ? strange_user() : 1800000000000000000u + below(400000000000000000u), user);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*generate)(uint64_t count);
  } kinds[] = {{"ids", ids}, {"tweets", tweets}, {"pages", pages}, {"v1", v1}, {"csv", csv}};
  setvbuf(stdout, NULL, _IOFBF, 1 << 20);
  if (argc > 3) state = strtoull(argv[3], NULL, 10);
  for (size_t i = 0; argc > 2 && i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(argv[1], kinds[i].name) == 0) {
      kinds[i].generate(strtoull(argv[2], NULL, 10));
      return fflush(stdout) != 0;
    }
  if (argc == 6 && strstr(argv[1], "-results")) {
    results(strtoull(argv[2], NULL, 10), strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10),
            argv[1][0] == 'u');
    return fflush(stdout) != 0;
  }
  fputs("usage: generate ids|tweets|pages|v1|csv COUNT [SEED]\n"
        "       generate tweet-results|user-results COUNT SEED RECORDS PER_MILLE\n",
        stderr);
  return 2;
}
