// Lists the operations of the OpenAPI document, where Swagger UI is not at hand.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, content, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...[content ?? []].flat());
  return made;
}

// Texts of the document mark code with backticks.
function prose(text) {
  return (text ?? "").split("`").map((part, index) => (index % 2 ? element("code", part) : part));
}

function kindOf(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.join(" | ");
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(kindOf).join(" | ");
  return [schema.type ?? "any"].flat().join(" | ");
}

function titled(title, items) {
  return items.length ? [element("h3", title), element("ul", items.map((item) => element("li", item)))] : [];
}

function parameter({ name, in: place, required, schema, description }) {
  const facts = ` in ${place}, ${required ? "required" : "optional"}, ${kindOf(schema)}`;
  return [element("code", name), element("span", facts, "soft"), ...(description ? [": ", ...prose(description)] : [])];
}

function bodies(content = {}) {
  return Object.entries(content).map(([media, { schema }]) => [element("code", media), ` ${kindOf(schema)}`]);
}

function answer([status, { description, content }]) {
  const kinds = Object.keys(content ?? {}).join(", ");
  return [element("code", status), " ", ...prose(description), element("span", kinds && ` ${kinds}`, "soft")];
}

function operationOf(path, method, operation) {
  const summary = element("summary", [
    element("code", method.toUpperCase(), "method"),
    element("code", path, "path"),
    element("span", operation.summary, "soft"),
  ]);
  const inside = element("div", [
    element("p", prose(operation.description)),
    ...titled("Parameters", (operation.parameters ?? []).map(parameter)),
    ...titled("Body", bodies(operation.requestBody?.content)),
    ...titled("Answers", Object.entries(operation.responses ?? {}).map(answer)),
  ], "inside");
  const made = element("details", [summary, inside], "operation");
  made.id = operation.operationId;
  return made;
}

function sectionOf({ name, description }, operations) {
  const own = operations.filter(([, , operation]) => operation.tags.includes(name));
  return own.length
    ? [element("h2", name), element("p", prose(description), "soft"), ...own.map((one) => operationOf(...one))]
    : [];
}

async function start() {
  const answered = await fetch(new URL("openapi.json", location.href));
  const spec = await answered.json();
  const operations = Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => [path, method, item[method]]),
  );
  document.getElementById("operations").append(...spec.tags.flatMap((tag) => sectionOf(tag, operations)));
}

start().catch((error) => {
  document.getElementById("operations").append(element("p", `The listing could not be made: ${error.message}`, "wrong"));
});
