#!/bin/sh
# `photos` on Google Cloud: one service of Cloud Run that anybody may call, two buckets, a topic, a collection of Firestore, a
# nightly schedule. Safe to run again.
#
#   PROJECT=my-project REGION=europe-west1 IMAGE=europe-west1-docker.pkg.dev/my-project/apps/photos sh examples/photos/deploy/gcp.sh
#
# docs/gcp.md says how to build the image. Copy this for an application of your own: each trigger of the application is one step
# of the third part, and each of its resources a variable of the service or a name `<application>-<resource>`.
set -eu
: "${PROJECT:?set PROJECT}" "${REGION:?set REGION}" "${IMAGE:?set IMAGE to that of the built program}"
NUMBER=$(gcloud projects describe "$PROJECT" --format='value(projectNumber)')
RUNS="photos@$PROJECT.iam.gserviceaccount.com"     # as whom the service runs
CALLS="photos-calls@$PROJECT.iam.gserviceaccount.com" # as whom Pub/Sub and Scheduler call it
PUBSUB="service-$NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com" # Pub/Sub itself, which moves dead letters
gcloud config set project "$PROJECT"
gcloud services enable run.googleapis.com pubsub.googleapis.com storage.googleapis.com firestore.googleapis.com \
    cloudscheduler.googleapis.com iamcredentials.googleapis.com

# 1. What the application stores. -----------------------------------------------------------------------------------------

gcloud firestore databases describe --database='(default)' >/dev/null 2>&1 ||
    gcloud firestore databases create --location="$REGION"
# Names of buckets are unique in all of Google Cloud; the rest is called `photos-<resource>`.
ORIGINALS="$PROJECT-photos-originals" THUMBNAILS="$PROJECT-photos-thumbnails"
# Buckets, topic and subscription with their dead letters, Firestore's time to live: the program makes them itself.
SKYPORT_COMMAND=provision SKYPORT_PROVIDER=gcp GOOGLE_CLOUD_PROJECT="$PROJECT" \
    SKYPORT_ORIGINALS="gs://$ORIGINALS?location=$REGION" SKYPORT_THUMBNAILS="gs://$THUMBNAILS?location=$REGION" \
    cargo run --release --example photos --no-default-features --features gcp,cloud-run-oidc

# 2. The service, and what it may do. -------------------------------------------------------------------------------------

for account in photos photos-calls; do
    gcloud iam service-accounts describe "$account@$PROJECT.iam.gserviceaccount.com" >/dev/null 2>&1 ||
        gcloud iam service-accounts create "$account"
done
for bucket in "$ORIGINALS" "$THUMBNAILS"; do
    gcloud storage buckets add-iam-policy-binding "gs://$bucket" --member="serviceAccount:$RUNS" --role=roles/storage.objectUser
done
# The queue and its dead letters; Pub/Sub itself moves what has spent its attempts.
for topic in photos-resize photos-resize-dead; do
    gcloud pubsub topics add-iam-policy-binding "$topic" --member="serviceAccount:$RUNS" --role=roles/pubsub.publisher
done
gcloud pubsub topics add-iam-policy-binding photos-resize-dead --member="serviceAccount:$PUBSUB" --role=roles/pubsub.publisher
gcloud pubsub subscriptions add-iam-policy-binding photos-resize --member="serviceAccount:$PUBSUB" --role=roles/pubsub.subscriber
gcloud projects add-iam-policy-binding "$PROJECT" --member="serviceAccount:$RUNS" --role=roles/datastore.user --condition=None
# Signed URLs without a key: the account signs as itself.
gcloud iam service-accounts add-iam-policy-binding "$RUNS" --member="serviceAccount:$RUNS" --role=roles/iam.serviceAccountTokenCreator

# Anybody may call it, so it checks who pushes: tokens for this audience, of this account.
gcloud run deploy photos --image="$IMAGE" --region="$REGION" --service-account="$RUNS" --allow-unauthenticated \
    --cpu=1 --memory=512Mi --concurrency=20 --timeout=300 --set-env-vars="GOOGLE_CLOUD_PROJECT=$PROJECT,RUST_LOG=info,\
SKYPORT_ORIGINALS=gs://$ORIGINALS,SKYPORT_THUMBNAILS=gs://$THUMBNAILS,\
SKYPORT_PUSH_AUDIENCE=photos,SKYPORT_PUSH_ACCOUNT=$CALLS"
URL=$(gcloud run services describe photos --region="$REGION" --format='value(status.url)')

# 3. What calls it. -------------------------------------------------------------------------------------------------------

# on_message("resize", ..): the queue's subscription pushes. A failed message comes again after 10 s and more.
gcloud pubsub subscriptions update photos-resize --ack-deadline=300 --min-retry-delay=10s --max-retry-delay=600s \
    --push-endpoint="$URL/" --push-auth-service-account="$CALLS" --push-auth-token-audience=photos

# on_blob_created("added", ..) and on_blob_deleted("removed", ..): the bucket tells a topic, which pushes.
if ! gcloud pubsub topics describe photos-originals-events >/dev/null 2>&1; then
    gcloud pubsub topics create photos-originals-events
    gcloud storage buckets notifications create "gs://$ORIGINALS" --topic=photos-originals-events \
        --event-types=OBJECT_FINALIZE,OBJECT_DELETE,OBJECT_ARCHIVE
fi
gcloud pubsub subscriptions describe photos-originals-events >/dev/null 2>&1 ||
    gcloud pubsub subscriptions create photos-originals-events --topic=photos-originals-events --expiration-period=never \
        --ack-deadline=60 --min-retry-delay=10s --max-retry-delay=600s \
        --push-endpoint="$URL/" --push-auth-service-account="$CALLS" --push-auth-token-audience=photos

# on_schedule("sweep", "0 3 * * *", ..): the job is called after the function.
gcloud scheduler jobs describe photos-sweep --location="$REGION" >/dev/null 2>&1 ||
    gcloud scheduler jobs create http photos-sweep --location="$REGION" --schedule='0 3 * * *' --time-zone=Etc/UTC \
        --uri="$URL/" --http-method=POST --max-retry-attempts=3 \
        --oidc-service-account-email="$CALLS" --oidc-token-audience=photos

echo "photos is at $URL"
