/* reader_test.c - the same bytes come out of every packing, and no truncated or corrupt input is
 * accepted
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "dataset/bytes/reader.h"
#include "dataset/files/format.h"

static char folder[] = "/tmp/reader_test.XXXXXX";
static char path[64];

static uint64_t state = 5;

static uint64_t draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

static const char *write_named(const char *name, const void *bytes, size_t size) {
  FILE *file;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) exit(1);
  return path;
}

static const char *write_file(const void *bytes, size_t size) {
  return write_named("file", bytes, size);
}

/* All lines of a text, hashed with their places, and the problem if there is one. */
struct outcome {
  uint64_t records, sum;
  struct error error;
};

static struct outcome read_units(const char *name, enum reader_unit unit) {
  struct outcome outcome = {0};
  struct reader *reader = reader_open(name, NULL, &outcome.error);
  struct reader_record record;
  enum reader_step step = READER_FAILED;
  while (reader && (step = reader_next(reader, unit, &record, &outcome.error)) == READER_RECORD) {
    outcome.records++;
    outcome.sum = outcome.sum * 31 + record.byte + record.line * 7;
    for (size_t i = 0; i < record.size; i++)
      outcome.sum = outcome.sum * 31 + (unsigned char)record.text[i];
  }
  CHECK(step != READER_FAILED || outcome.error.code != ERROR_NONE);
  reader_close(reader);
  return outcome;
}

/* One member. */
static size_t pack(const struct packing *packing, const char *text, size_t size, unsigned char *to,
                   size_t room) {
  struct packing_buffers buffers = {(const unsigned char *)text, size, to, room, true, 0};
  void *encoder = packing->encoder_new(packing->level, 0);
  enum packing_step step = PACKING_MORE;
  while (encoder && step == PACKING_MORE)
    step = packing->encode(encoder, &buffers);
  if (step != PACKING_DONE) exit(1);
  packing->encoder_free(encoder);
  return room - buffers.out_size;
}

enum { TEXT = 1 << 20 };

static char *random_lines(void) {
  char *text = malloc(TEXT);
  for (size_t i = 0; text && i < TEXT; i++)
    text[i] = draw() % 60 ? (char)('a' + draw() % 20) : '\n';
  return text;
}

/* Several members, the first small enough to be less than a buffer. */
static size_t pack_members(const struct packing *packing, const char *text, unsigned char *packed,
                           size_t room) {
  static const size_t ends[] = {0, 1, 1, 100, 4096, 262144, 262145, 300000, TEXT};
  size_t size = 0;
  for (size_t i = 0; i + 1 < sizeof ends / sizeof *ends; i++)
    size += pack(packing, text + ends[i], ends[i + 1] - ends[i], packed + size, room - size);
  return size;
}

static void test_packing(const struct packing *packing, const char *text) {
  size_t room = TEXT + (1 << 20), size;
  unsigned char *packed = malloc(room);
  char problem[64];
  size_t last;
  struct outcome plain = read_units(write_file(text, TEXT), READER_LINES), other;
  size = pack_members(packing, text, packed, room);
  other = read_units(write_file(packed, size), READER_LINES);
  CHECK(other.error.code == ERROR_NONE && other.records == plain.records && other.sum == plain.sum);
  for (int i = 0; i < 40; i++) { /* truncated anywhere but between two members */
    size_t cut = size - 1 - (i < 20 ? (size_t)i : draw() % (size / 3));
    other = read_units(write_file(packed, cut), READER_LINES);
    CHECK(other.error.code == ERROR_DATA && strstr(other.error.message, "truncated"));
    CHECK(other.error.line > 1 && other.records <= plain.records);
  }
  for (int i = 0; i < 40; i++) { /* one bit wrong */
    size_t at = size / 2 + draw() % (size / 2);
    unsigned char bit = (unsigned char)(1 << draw() % 8);
    packed[at] ^= bit;
    other = read_units(write_file(packed, size), READER_LINES);
    packed[at] ^= bit;
    CHECK(other.error.code == ERROR_DATA || other.sum == plain.sum); /* a header's spare bits */
  }
  memset(packed + size, 0, 400); /* padding, and a member after it */
  other = read_units(write_file(packed, size + 400), READER_LINES);
  CHECK(other.error.code == ERROR_NONE && other.sum == plain.sum);
  last = pack(packing, "\nlast\n", 6, packed + size + 400, room - size - 400);
  other = read_units(write_file(packed, size + 400 + last), READER_LINES);
  CHECK(other.error.code == ERROR_NONE && other.records == plain.records + 1);
  memcpy(packed + size, "junk", 4);
  other = read_units(write_file(packed, size + 4), READER_LINES);
  snprintf(problem, sizeof problem, "something that is not %s follows", packing->name);
  CHECK(other.error.code == ERROR_DATA && strstr(other.error.message, problem));
  free(packed);
}

/* A file that needs two tebibytes of memory is not corrupt. */
static void test_windows(void) {
  static const char large_zstd[] = "\x28\xb5\x2f\xfd\x00\xf8\x11\x00\x00"
                                   "1\n";
  struct outcome outcome = read_units(write_file(large_zstd, sizeof large_zstd - 1), READER_LINES);
  CHECK(outcome.error.code == ERROR_DATA && strstr(outcome.error.message, "--long=31") &&
        strstr(outcome.error.message, "takes 2097152 MiB of memory"));
  CHECK(!strstr(outcome.error.message, "corrupt"));
}

static void test_foreign_formats(void) {
  static const struct {
    const char *bytes;
    size_t size;
    const char *name, *command;
  } files[] = {
      {"SQLite format 3\0\x10\0", 18, "SQLite", "sqlite3 -header -csv"},
      {"PAR1\x15\x04", 6, "Parquet", "duckdb"},
      {"\xff\xfe\0\0i\0\0\0d\0\0\0", 12, "UTF-32", "iconv"},
      {"WARC/1.0\r\n", 10, "WARC", "warcio"},
      {"7z\xbc\xaf\x27\x1c\0\4", 8, "7z", "7z x"},
      {"Rar!\x1a\x07\x01\0", 8, "RAR", "unrar x"},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    struct outcome outcome = read_units(write_file(files[i].bytes, files[i].size), READER_LINES);
    CHECK(outcome.error.code == ERROR_DATA && outcome.records == 0);
    CHECK(strstr(outcome.error.message, files[i].name));
    CHECK(strstr(outcome.error.message, files[i].command));
  }
}

/* Its codes are incomplete: the result must not depend on what was in memory before. */
static void test_undefined_codes(void) {
  static const char corrupt[] =
      "\x1f\x8b\x08\x00\x00\x00\x00\x7c\x00\x03\xab\x56\xca\x4c\x51\xb2\x5a\x30\x54\xaa"
      "\xe5\xaa\x86\x30\x8d\x80\x4c\x00\x2c\x07\xa9\x07\x16\x00\x00\x00\x1f\x1f\x8b\x08"
      "\x00\x00\x00\x00\x7c\x00\x03\xab\x56\xca\x4c\x51\xb2\x52\x32\xaa\xe5\xaa\x86\x30"
      "\x8d\x80\x4c\x00\x2c\x07\xa9\x07\x16\x00\x00\x00";
  struct outcome first = read_units(write_file(corrupt, sizeof corrupt - 1), READER_VALUES);
  for (int i = 1; i < 256; i += 9) {
    struct outcome other;
    mallopt(M_PERTURB, i); /* fills what is allocated */
    other = read_units(path, READER_VALUES);
    CHECK(other.error.code == ERROR_DATA && other.sum == first.sum);
    CHECK_TEXT(first.error.message, other.error.message);
  }
  mallopt(M_PERTURB, 0);
}

/* Text and places of all units, as "LINE:BYTE:text|before|"... */
static const char *units_of(const char *text, enum reader_unit unit) {
  static char shown[1024];
  char *end = shown;
  struct error error = {0};
  struct reader *reader = reader_open(write_file(text, strlen(text)), NULL, &error);
  struct reader_record record;
  enum reader_step step;
  while ((step = reader_next(reader, unit, &record, &error)) == READER_RECORD)
    end += sprintf(end, "%d:%d:%.*s%s|", (int)record.line, (int)record.byte, (int)record.size,
                   record.text, record.element ? "!" : "");
  if (step == READER_FAILED) sprintf(end, "%s", strrchr(error.message, '/') + 1);
  if (step == READER_END) sprintf(end, "%.*s", (int)record.before_size, record.before);
  reader_close(reader);
  return shown;
}

static void test_lines(void) {
  CHECK_TEXT("", units_of("", READER_LINES));
  CHECK_TEXT("1:0:a|2:2:b|\n", units_of("a\nb\n", READER_LINES));
  CHECK_TEXT("2:3:a b|5:13:c|", units_of("\r\n a b \r\n\n\t\n c", READER_LINES));
  CHECK_TEXT("1:3:a|\n", units_of("\xef\xbb\xbf"
                                  "a\n",
                                  READER_LINES));
}

static void test_values(void) {
  CHECK_TEXT("1:0:{\"a\":\n\"}]\\\"\"}|4:15:{}|\n",
             units_of("{\"a\":\n\"}]\\\"\"}\n\n{}\n", READER_VALUES));
  CHECK_TEXT("2:2:{}!|3:6:[[]]!|3:11:1!|3:13:\"a]\"!|]\n",
             units_of("[\n{},\n[[]],1,\"a]\"]\n", READER_VALUES));
  CHECK_TEXT("[]", units_of("[]", READER_VALUES));
  CHECK_TEXT("1:0:{}|1:4:{}!|]", units_of("{} [{}]", READER_VALUES));
  CHECK_TEXT("1:1:{}!|file, line 1, byte 4: out of place - an element, a comma or the end of the "
             "array was expected",
             units_of("[{},,{}]", READER_VALUES));
  CHECK_TEXT("file, line 1, byte 1: out of place - an element, a comma or the end of the array was "
             "expected",
             units_of("[,{}]", READER_VALUES));
  CHECK_TEXT("1:1:{}!|file, line 1, byte 4: the file ends within an array",
             units_of("[{},", READER_VALUES));
  CHECK_TEXT("1:1:{}!|file, line 2, byte 5: the file ends within the value that begins here",
             units_of("[{},\n{\"a\":[}", READER_VALUES));
  CHECK_TEXT("1:0:{}|file, line 1, byte 2: a comma or bracket out of place - a JSON value was "
             "expected",
             units_of("{}]", READER_VALUES));
}

/* A record of 9 MB between short ones, in lines and over lines. */
static void test_long_records(void) {
  size_t size = (9 << 20) + 100;
  char *text = malloc(size);
  struct error error = {0};
  memset(text, 'x', size);
  memcpy(text, "{}\n{\"a\":\"", 9);
  memcpy(text + size - 6, "\"}\n{}\n", 6);
  for (int unit = READER_LINES; unit <= READER_VALUES; unit++) {
    struct reader *reader = reader_open(write_file(text, size), NULL, &error);
    struct reader_record record = {0};
    CHECK(reader_next(reader, (enum reader_unit)unit, &record, &error) == READER_RECORD);
    CHECK(reader_next(reader, (enum reader_unit)unit, &record, &error) == READER_RECORD);
    CHECK(record.size == size - 7 && record.line == 2 && record.byte == 3);
    CHECK(record.text[0] == '{' && record.text[record.size - 1] == '}');
    CHECK(reader_next(reader, (enum reader_unit)unit, &record, &error) == READER_RECORD);
    CHECK(record.line == 3 && record.byte == size - 3 && record.size == 2);
    CHECK(reader_next(reader, (enum reader_unit)unit, &record, &error) == READER_END);
    reader_close(reader);
  }
  free(text);
}

static void test_changing_file(void) {
  struct error error = {0};
  char *text = random_lines();
  struct reader *reader = reader_open(write_file(text, TEXT), NULL, &error);
  struct reader_record record;
  CHECK(truncate(path, TEXT / 2) == 0);
  while (reader_next(reader, READER_LINES, &record, &error) == READER_RECORD)
    ;
  CHECK(error.code == ERROR_DATA && strstr(error.message, "changed"));
  reader_close(reader);
  free(text);
}

static void test_refusals(void) {
  struct error error = {0};
  CHECK(!reader_open("/dev/null", NULL, &error) && error.code == ERROR_IO);
  CHECK(strstr(error.message, "device"));
  CHECK(!reader_open(folder, NULL, &error) && strstr(error.message, "folder"));
  CHECK(!reader_open("/tmp/no/such/file", NULL, &error) && error.code == ERROR_IO);
}

static enum format format_of(const char *name, const char *text) {
  struct error error = {0};
  struct reader *reader = reader_open(write_named(name, text, strlen(text)), NULL, &error);
  enum format format = (enum format) - 1;
  CHECK(reader && format_detect(reader, &format, &error));
  reader_close(reader);
  unlink(path);
  return format;
}

static void test_formats(void) {
  CHECK(format_of("x", "") == FORMAT_IDS);
  CHECK(format_of("x", "\n 12\n") == FORMAT_IDS);
  CHECK(format_of("x", "1.26E+18\n") == FORMAT_IDS);
  CHECK(format_of("x", "id,text\n1,a\n") == FORMAT_CSV);
  CHECK(format_of("x", "\"id\"\n1\n") == FORMAT_CSV);
  CHECK(format_of("x", "{\"a\":1}\n{\"a\":2}\n") == FORMAT_JSON_LINES);
  CHECK(format_of("x.json", "{\"a\":1}\n{\"a\":2}\n") == FORMAT_JSON_LINES);
  CHECK(format_of("x", "\xef\xbb\xbf\n{\"a\":1}") == FORMAT_JSON_LINES);
  CHECK(format_of("x.jsonl", "{\n \"a\":1\n}\n") == FORMAT_JSON_VALUES);
  CHECK(format_of("x.jsonl", "{\"a\":\n{\"a\":2}\n") == FORMAT_JSON_LINES); /* torn */
  CHECK(format_of("x.json", "{\"a\":\n{\"b\":2}\n}") == FORMAT_JSON_VALUES);
  CHECK(format_of("x.jsonl", "[{\"a\":1},\n{\"a\":2}]\n") == FORMAT_JSON_VALUES);
  CHECK(format_of("x.jsonl", "[{\"a\":1}]\n") == FORMAT_JSON_VALUES);
  CHECK(format_of("x.jsonl", "[{\"a\":1}]\n[{\"a\":2}]\n") == FORMAT_JSON_LINES);
  CHECK(format_is_known_name("a.JSONL.gz") && format_is_known_name("a.b.txt.zst"));
  CHECK(!format_is_known_name("a.gz") && !format_is_known_name(".jsonl") &&
        !format_is_known_name("README.md"));
}

int main(void) {
  char *text;
  if (!mkdtemp(folder)) return 1;
  text = random_lines();
  for (size_t i = 0; packing_number(i); i++)
    test_packing(packing_number(i), text);
  free(text);
  test_windows();
  test_foreign_formats();
  test_undefined_codes();
  test_lines();
  test_values();
  test_long_records();
  test_changing_file();
  test_refusals();
  test_formats();
  snprintf(path, sizeof path, "%s/file", folder);
  unlink(path);
  rmdir(folder);
  return check_end();
}
