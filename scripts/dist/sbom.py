"""The bill of materials of a bundle, as SPDX 2.3 in JSON: every file with its hashes and package, every package with version,
licence and origin, and what was compiled into the program."""

import hashlib
import re
import uuid
from datetime import datetime, timezone

NOWHERE = "NOASSERTION"


def spdx_id(*parts):
    return "SPDXRef-" + "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)


def verification_code(files):
    """SPDX 2.3, clause 7.9."""
    return hashlib.sha1("".join(sorted(file["sha1"] for file in files)).encode()).hexdigest()


def package_json(package, files, archive_version):
    row = {
        "SPDXID": spdx_id("Package", package.kind, package.name),
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": NOWHERE,
        "filesAnalyzed": bool(files),
        "licenseConcluded": package.licence,
        "licenseDeclared": package.licence,
        "copyrightText": NOWHERE,
        "supplier": {"deb": "Organization: Debian"}.get(package.kind, NOWHERE),
    }
    if package.what:
        row["summary"] = package.what
    if package.source:
        row["sourceInfo"] = f"built by Debian from its source package {package.source}"
    if package.sha256:
        row["comment"] = f"SHA-256 of the published archive: {package.sha256}"
    if package.purl:
        row["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": package.purl}]
    if files:
        row["packageVerificationCode"] = {"packageVerificationCodeValue": verification_code(files)}
        row["licenseInfoFromFiles"] = [NOWHERE]
    if package.kind == "own":
        row["primaryPackagePurpose"] = "APPLICATION"
        row["comment"] = archive_version
    return row


def file_json(file):
    place = file["place"]
    kind = "BINARY" if place.startswith("lib/") or place == "assay" else "TEXT" if file["is_text"] else "OTHER"
    return {
        "SPDXID": spdx_id("File", place, file["sha256"][:12]),
        "fileName": "./" + place,
        "fileTypes": [kind],
        "checksums": [{"algorithm": "SHA1", "checksumValue": file["sha1"]}, {"algorithm": "SHA256", "checksumValue": file["sha256"]}],
        "licenseConcluded": file["package"].licence,
        "licenseInfoInFiles": [NOWHERE],
        "copyrightText": NOWHERE,
    }


def make_sbom(name, own, files, compiled_in, commit, epoch):
    """`files`: dictionaries with place, package, sha1, sha256, is_text. The same input gives the same document, byte by byte."""
    packages = {package.name: package for package in [own, *compiled_in, *(file["package"] for file in files)]}
    by_package = {key: [file for file in files if file["package"].name == key] for key in packages}
    content = hashlib.sha256("".join(sorted(f"{file['sha256']} {file['place']}\n" for file in files)).encode()).hexdigest()
    own_id = spdx_id("Package", own.kind, own.name)
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", own_id)]
    for key in sorted(packages):
        package_id = spdx_id("Package", packages[key].kind, key)
        for file in by_package[key]:
            relations.append((package_id, "CONTAINS", spdx_id("File", file["place"], file["sha256"][:12])))
        if any(not file["place"].startswith("licences/") for file in by_package[key]) and key != own.name:
            relations.append((own_id, "CONTAINS", package_id))
        if key in {package.name for package in compiled_in}:
            relations.append((own_id, "STATIC_LINK", package_id))
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{name} {commit} {content}')}",
        "creationInfo": {
            "created": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: assay-dist-{own.version}"],
        },
        "documentDescribes": [own_id],
        "packages": [package_json(packages[key], by_package[key], f"made from the commit {commit}") for key in sorted(packages)],
        "files": [file_json(file) for file in files],
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }
