// A program as an API user writes it: creates, changes, lists and deletes links with `fetch`, and takes only 200.

const { CODEQR_API_URL, CODEQR_API_KEY } = process.env;

async function call(method, path, body) {
  const response = await fetch(`${CODEQR_API_URL}${path}`, {
    method,
    headers: { Authorization: `Bearer ${CODEQR_API_KEY}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (response.status !== 200) {
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  }
  return response.json();
}

function createProductLink(product) {
  return call("POST", "/links", {
    url: `https://shop.example/product/${product.id}`,
    key: `node-product-${product.id}`,
    title: product.name,
    externalId: product.sku,
    tenantId: "node",
    utm_source: "ecommerce",
    utm_medium: "short_link",
    tagIds: ["products", "ecommerce"],
  });
}

const kept = await createProductLink({ id: 123, name: "Smartphone 🔥", sku: "node-123" });
const gone = await createProductLink({ id: 124, name: "Capa de São João", sku: "node-124" });
const changed = await call("PATCH", `/links/${kept.id}`, { url: "https://shop.example/new", title: "Novo título" });
const listed = await call("GET", "/links?tenantId=node&sortOrder=asc");
const deleted = await call("DELETE", `/links/${gone.id}`);

console.log(JSON.stringify({ created: [kept, gone], changed, listed, deleted }));
