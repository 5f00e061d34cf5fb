/* nodlclose.c - preloaded under the sanitizers: what stays loaded keeps its symbols */
int dlclose(void *handle);

int dlclose(void *handle) {
  (void)handle;
  return 0;
}
