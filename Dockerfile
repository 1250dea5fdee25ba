FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data STATIC_ROOT=/app/staticfiles MPLCONFIGDIR=/tmp
WORKDIR /app

COPY requirements.txt requirements-prod.txt ./
RUN pip install --no-cache-dir -r requirements-prod.txt

COPY . .
RUN SECRET_KEY=only-to-collect python manage.py collectstatic --noinput \
 && useradd --system --create-home app && mkdir /data && chown app:app /data

USER app
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "reviewapp.wsgi", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--workers=2", "--threads=4"]
