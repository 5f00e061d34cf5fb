/* answer_fuzz.c - any bytes as an answer, in the pieces in which libcurl hands them over
 *
 * The lines up to the first empty one are headers, the rest is the body. The callbacks are
 * transfer.c's own, which is why it is included.
 */
#include "http/transfer.c"

static void expect(int holds) {
  if (!holds) abort();
}

static void give_headers(struct transfer *transfer, const char **text, const char *end) {
  while (*text < end) {
    const char *stop = memchr(*text, '\n', (size_t)(end - *text));
    size_t size = stop ? (size_t)(stop + 1 - *text) : (size_t)(end - *text);
    char *line = malloc(size); /* exactly this long, so that any access beyond it is noticed */
    size_t taken;
    if (!line) return;
    memcpy(line, *text, size);
    taken = on_header(line, 1, size, transfer);
    free(line);
    *text += size;
    if (taken != size || size == 1) return;
  }
}

static void expect_whole(const struct transfer *transfer) {
  const char *line = transfer_headers(transfer);
  size_t size = 0;
  for (; *line; line += strlen(line) + 1)
    size += strlen(line) + 1;
  expect(size == transfer->answer_headers_size && size < TRANSFER_HEADERS_MAX);
}

static void give_body(struct transfer *transfer, const char *text, const char *end) {
  while (text < end && transfer->task.error.code == ERROR_NONE) {
    size_t size = (size_t)(end - text) < 1000 ? (size_t)(end - text) : 1000;
    char *piece = malloc(size);
    if (!piece) return;
    memcpy(piece, text, size);
    on_body(piece, 1, size, transfer);
    free(piece);
    text += size;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct transfer_options options = {.kind = TRANSFER_REQUEST,
                                     .doing = "fuzzing",
                                     .method = "GET",
                                     .url = "https://api.x.com/",
                                     .bearer_token = "t0ken"};
  const char *text = (const char *)data, *end = text + size;
  struct content_range range;
  struct error error;
  struct transfer *transfer = transfer_new(&options, &error);
  const char *header;
  if (!transfer) return 0;
  give_headers(transfer, &text, end);
  expect_whole(transfer);
  header = find_header(transfer, "content-range");
  if (header && content_range_read(header, &range))
    expect(range.first <= range.last && (range.total == 0 || range.last < range.total));
  give_body(transfer, text, end);
  expect(transfer->body_size < TRANSFER_BODY_MAX && transfer->body[transfer->body_size] == '\0');
  transfer_finish(transfer, CURLE_RECV_ERROR);
  expect(transfer->task.error.code != ERROR_NONE);
  task_free(&transfer->task);
  return 0;
}
