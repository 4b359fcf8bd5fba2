#!/bin/sh
# `photos` on Azure: one function app on the Flex Consumption plan, a storage account with two containers, a queue and a table, a nightly timer,
# and Event Grid, which tells the app what happens to the originals. No key of the account is used anywhere. Safe to run again, and it may have to
# be: a role takes some minutes to be known everywhere, and until then what needs it is refused.
#
#   GROUP=photos REGION=northeurope STORAGE=myphotosdata APP=my-photos sh examples/photos/deploy/azure.sh
#
# Whoever deploys is the user of `az login`; a service principal gives its object id in DEPLOYER (and DEPLOYER_TYPE=ServicePrincipal).
# STORAGE and APP are unique in all of Azure. docs/azure.md says what has to be there first. Copy this for an application of your own:
# Event Grid's subscriptions in the fourth part are the only thing that the program does not tell of itself.
set -eu
: "${GROUP:?set GROUP}" "${REGION:?set REGION}" "${STORAGE:?set STORAGE}" "${APP:?set APP}"
TARGET=x86_64-unknown-linux-musl # one file that needs nothing of the machine
BUILT=target/$TARGET/release/examples/photos
PACKAGE=target/azure-photos

# 1. What the application stores. -----------------------------------------------------------------------------------------

az group create --name "$GROUP" --location "$REGION" --output none
az storage account create --resource-group "$GROUP" --name "$STORAGE" --location "$REGION" --kind StorageV2 --sku Standard_LRS \
    --min-tls-version TLS1_2 --allow-blob-public-access false --allow-shared-key-access false --output none
ACCOUNT=$(az storage account show --resource-group "$GROUP" --name "$STORAGE" --query id --output tsv)

# What an identity may do to the account's containers, queues and tables.
permit() {
    for role in 'Storage Blob Data Owner' 'Storage Queue Data Contributor' 'Storage Table Data Contributor'; do
        az role assignment create --assignee-object-id "$1" --assignee-principal-type "$2" --role "$role" --scope "$ACCOUNT" --output none
    done
}
permit "${DEPLOYER:-$(az ad signed-in-user show --query id --output tsv)}" "${DEPLOYER_TYPE:-User}"

# 2. The program: it makes its containers, queues and table itself, and says which functions it has. -------------------------

cargo build --release --target "$TARGET" --example photos --no-default-features --features azure
# A role takes some minutes to be known everywhere: until then this is refused, and is to be run again.
SKYPORT_COMMAND=provision SKYPORT_PROVIDER=azure AZURE_STORAGE_ACCOUNT="$STORAGE" "$BUILT"
rm -rf "$PACKAGE" "$PACKAGE.zip"
SKYPORT_COMMAND="azure-functions $PACKAGE" SKYPORT_PROVIDER=azure AZURE_STORAGE_ACCOUNT="$STORAGE" "$BUILT"
cp "$BUILT" "$PACKAGE/handler"
(cd "$PACKAGE" && zip --quiet --recurse-paths "../${PACKAGE##*/}.zip" .)

# 3. The function app, and what it may do. --------------------------------------------------------------------------------

az functionapp show --resource-group "$GROUP" --name "$APP" --output none 2>/dev/null ||
    az functionapp create --resource-group "$GROUP" --name "$APP" --flexconsumption-location "$REGION" --runtime custom \
        --runtime-version 1.0 --functions-version 4 --instance-memory 2048 --storage-account "$STORAGE" \
        --deployment-storage-auth-type SystemAssignedIdentity --assign-identity '[system]' --output none
permit "$(az functionapp identity show --resource-group "$GROUP" --name "$APP" --query principalId --output tsv)" ServicePrincipal
# The host and the program find the account by its name, and are whom the app's identity says.
az functionapp config appsettings delete --resource-group "$GROUP" --name "$APP" --setting-names AzureWebJobsStorage --output none
az functionapp config appsettings set --resource-group "$GROUP" --name "$APP" --output none --settings \
    "AzureWebJobsStorage__accountName=$STORAGE" "AZURE_STORAGE_ACCOUNT=$STORAGE" RUST_LOG=info
az functionapp deployment source config-zip --resource-group "$GROUP" --name "$APP" --src "$PACKAGE.zip" --output none

# 4. What calls it beside HTTP, the queue and the timer, which the package tells of: on_blob_created("added", ..) and
# on_blob_deleted("removed", ..). ---------------------------------------------------------------------------------------------

FUNCTIONS=$(az functionapp show --resource-group "$GROUP" --name "$APP" --query id --output tsv)/functions
told() { # function, type of event, container
    az eventgrid event-subscription create --name "$APP-$1" --source-resource-id "$ACCOUNT" --endpoint-type azurefunction \
        --endpoint "$FUNCTIONS/$1" --included-event-types "$2" --subject-begins-with "/blobServices/default/containers/$3/blobs/" \
        --output none
}
# Event Grid calls only functions that there are, and the app knows them once it has taken the package in.
known() { # function
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        az functionapp function show --resource-group "$GROUP" --name "$APP" --function-name "$1" --output none 2>/dev/null && return
        sleep 10
    done
    echo "after 5 minutes the app does not know its function $1: look at its log, then run this again" >&2
    return 1
}
az provider register --namespace Microsoft.EventGrid --wait
known added
known removed
told added Microsoft.Storage.BlobCreated photos-originals
told removed Microsoft.Storage.BlobDeleted photos-originals

echo "photos is at https://$(az functionapp show --resource-group "$GROUP" --name "$APP" --query defaultHostName --output tsv)"
