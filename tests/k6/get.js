// One GET per iteration; an answer is read to its end and not looked at. TARGET=http://… k6 run get.js
import http from 'k6/http';

export const options = { discardResponseBodies: true };

export default function () {
  http.get(__ENV.TARGET);
}
