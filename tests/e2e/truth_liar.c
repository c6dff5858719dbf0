// An injector that lies: says in the words of the protocol that it has cut, measured and mended,
// and does nothing. usage: liar inject JSON
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int seq;

static void Now(char* text, size_t size) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char seconds[32];
  strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", gmtime(&now.tv_sec));
  snprintf(text, size, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
}

static void Say(const char* event, const char* more, char* at, size_t size) {
  Now(at, size);
  printf("{\"v\":1,\"seq\":%d,\"at\":\"%s\",\"event\":\"%s\"%s}\n", ++seq, at, event, more);
  fflush(stdout);
}

// The text behind "KEY":" up to the next quote.
static int Argument(const char* json, const char* key, char* value, size_t size) {
  char quoted[32];
  snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
  const char* found = strstr(json, quoted);
  if (found == NULL) return 0;
  found += strlen(quoted);
  const size_t length = strcspn(found, "\"");
  if (length >= size) return 0;
  memcpy(value, found, length);
  value[length] = 0;
  return 1;
}

int main(int count, char** words) {
  char run[32], duration[32], at[64], applied[64], verified[64], reverted[64];
  if (count != 3 || strcmp(words[1], "inject") != 0 ||
      !Argument(words[2], "run", run, sizeof run) ||
      !Argument(words[2], "duration", duration, sizeof duration)) {
    return 2;
  }
  char* unit;
  const long number = strtol(duration, &unit, 10);
  if (strcmp(unit, "s") != 0) return 2;

  const char* measured =
      ",\"requested\":{\"peersCut\":\"1/1\"},\"measured\":{\"peersCut\":\"1/1\",\"control\":\"ok\","
      "\"packetsDropped\":\"42\"}";
  Say("preflight", "", at, sizeof at);
  Say("journal", "", at, sizeof at);
  Say("armed", "", at, sizeof at);
  Say("applied", "", applied, sizeof applied);
  Say("verified", measured, verified, sizeof verified);
  nanosleep(&(struct timespec){number, 0}, NULL);  // does all of its work
  Say("reverting", "", at, sizeof at);
  Say("reverted", measured, reverted, sizeof reverted);

  FILE* record = fopen("/dev/termination-log", "w");
  if (record != NULL) {
    fprintf(record,
            "v1 reverted ok run=%s applied=%s reverted=%s verified=%s control=ok "
            "packetsDropped=42 peersCut=1/1 .",
            run, applied, reverted, verified);
    fclose(record);
  }
  return 0;
}
