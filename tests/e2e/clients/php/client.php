<?php
// A program as an API user writes it: creates, changes, lists and deletes links with curl, and takes only 200.

function call(string $method, string $path, ?array $body = null): array
{
    $curl = curl_init(getenv('CODEQR_API_URL') . $path);
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_TIMEOUT => 15,
        CURLOPT_HTTPHEADER => [
            'Authorization: Bearer ' . getenv('CODEQR_API_KEY'),
            'Content-Type: application/json',
        ],
    ]);
    if ($body !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body));
    }
    $answer = curl_exec($curl);
    $status = curl_getinfo($curl, CURLINFO_HTTP_CODE);
    curl_close($curl);
    if ($status !== 200) {
        throw new Exception("$method $path: $status $answer");
    }
    return json_decode($answer, true, flags: JSON_THROW_ON_ERROR);
}

function createAffiliateLink(string $affiliate, string $product): array
{
    return call('POST', '/links', [
        'url' => "https://shop.example/product/$product",
        'key' => "php-affiliate-$affiliate-$product",
        'title' => "Link de Afiliado - Produto $product 🔥",
        'description' => "Promoção de $affiliate",
        'externalId' => "php_{$affiliate}_$product",
        'tenantId' => 'php',
        'utm_source' => 'affiliate',
        'utm_content' => "affiliate_$affiliate",
        'tagIds' => ['affiliates', "product-$product"],
    ]);
}

$kept = createAffiliateLink('AF001', '123');
$gone = createAffiliateLink('AF002', '123');
$changed = call('PATCH', "/links/{$kept['id']}", ['url' => 'https://shop.example/new', 'title' => 'Novo título']);
$listed = call('GET', '/links?tenantId=php&sortOrder=asc');
$deleted = call('DELETE', "/links/{$gone['id']}");

echo json_encode(['created' => [$kept, $gone], 'changed' => $changed, 'listed' => $listed, 'deleted' => $deleted]);
